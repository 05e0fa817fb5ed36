-- the rows that say something, for their digest: an organisation that holds none is as if it had never held one
SELECT org, reserved FROM registry_holding WHERE reserved <> 0
