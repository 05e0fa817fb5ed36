# fish completion for tasuki. The program itself knows what may come; this only carries the words.
function __tasuki_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l options ($words[1] complete-line -- $words[2..-1] 2>/dev/null)
    if test (count $options) -gt 0
        printf '%s\n' $options
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c tasuki -f -a '(__tasuki_complete)'
