-- one row by primary key
SELECT top FROM gcve_year WHERE year = ?
