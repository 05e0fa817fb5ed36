# bash completion for tasuki. The program itself knows what may come; this only carries the words.
_tasuki() {
	local line="${COMP_LINE:0:COMP_POINT}" word rest
	local -a words=()
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		COMPREPLY+=("$word")
	done < <("${words[0]}" complete-line -- "${words[@]:1}" 2>/dev/null)
	# bash takes : and = for ends of words, and replaces only what stands behind the last one.
	word="${words[${#words[@]} - 1]}"
	rest="${word##*[:=]}"
	word="${word%"$rest"}"
	COMPREPLY=("${COMPREPLY[@]#"$word"}")
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} != *[:=] ]]; then
		compopt +o nospace 2>/dev/null
	fi
}
complete -o default -o nospace -F _tasuki tasuki
