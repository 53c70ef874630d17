# bash completion of maratea(1): the command knows the candidates
_maratea()
{
	local line=${COMP_LINE:0:COMP_POINT} words word

	read -a words <<< "$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	word=${words[-1]}
	if [[ $word == --*=* ]]; then # the value is a word of its own
		words[-1]=${word%%=*}
		words+=("${word#*=}")
	fi
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file) compopt -o default ;;
		:dir) compopt -o dirnames ;;
		*) COMPREPLY+=("$line") ;;
		esac
	done < <("${1/#\~/$HOME}" __complete "${words[@]:1}" 2> /dev/null)
} && complete -F _maratea maratea
