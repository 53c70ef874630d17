# fish completion of maratea(1): the command knows the candidates
function __maratea_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l before ''
    if string match -qr -- '^--[^=]+=' "$token" # the value is a word of its own
        set before (string replace -r '=.*' '=' -- $token)
        set -a words (string replace -r '=.*' '' -- $token)
        set token (string replace -r '^[^=]*=' '' -- $token)
    end
    for line in (maratea __complete $words[2..-1] "$token" 2>/dev/null)
        switch $line
            case :file
                __fish_complete_path "$token" | string replace -r '^' -- "$before"
            case :dir
                __fish_complete_directories "$token" '' | string replace -r '^' -- "$before"
            case '*'
                echo -- $before$line
        end
    end
end
complete -c maratea -f -a '(__maratea_complete)'
