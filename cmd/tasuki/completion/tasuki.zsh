#compdef tasuki
# zsh completion for tasuki. The program itself knows what may come; this only carries the words.
_tasuki() {
	local line word help
	local -a plain open
	for line in "${(@f)$("${words[1]}" complete-line -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		[[ -z $line ]] && continue
		word="${line%%$'\t'*}"
		help="${line#*$'\t'}"
		if [[ $word == *: ]]; then
			open+=("${word//:/\\:}:$help")
		else
			plain+=("${word//:/\\:}:$help")
		fi
	done
	if (( ${#plain} + ${#open} == 0 )); then
		_files
		return
	fi
	(( ${#plain} )) && _describe -t values 'tasuki' plain
	(( ${#open} )) && _describe -t fields 'field' open -S ''
}
if [[ $funcstack[1] == _tasuki ]]; then
	_tasuki "$@"
else
	compdef _tasuki tasuki
fi
