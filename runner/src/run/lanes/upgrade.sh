cat >$dir/paths.sql <<'SQL'
@PATHS@
SQL

# update NUMBER EXTENSION SOURCE TARGET DEFAULT
update() {
    echo "-- $2 from $3 to $4"
    step database pgxn_upgrade || { fact unread "$2" "$(why)"; return; }
    fact tried "$2" "" "$3" "$4" "$5"
    if ! step create pgxn_upgrade "$2" "$3"; then
        fact old-not-created "$2" "$(why)" "$3"
    elif ! step alter pgxn_upgrade "$2" "$4" "$5"; then
        fact not-updated "$2" "$(why)" "$3" "$4" "$5"
    elif ! step catalog pgxn_upgrade "$2" updated; then
        fact unread "$2" "$(why)"
    else
        compare $1 updated updated "$2" "" "$3" "$4" "$5"
    fi
    drop pgxn_upgrade
}
alter() {
    {
        echo "ALTER EXTENSION :\"name\" UPDATE TO :'target';"
        [ "$3" = "$4" ] || echo "ALTER EXTENSION :\"name\" UPDATE TO :'wanted';"
    } | sql "$1" -v name="$2" -v target="$3" -v wanted="$4"
}

number=0 count=0
for name; do
    number=$((number + 1))
    [ -e $dir/$number.fresh ] || continue
    step sql pgxn_lane_$number -A -t -F "$tab" -v name="$name" -o $dir/paths -f $dir/paths.sql || { fact unread "$name" "$(why)"; continue; }
    left=$(wc -l <$dir/paths)
    while IFS=$tab read -r source target wanted <&3; do
        if [ $count -ge 50 ] || ! in_time; then
            fact left-out "" $left
            break
        fi
        count=$((count + 1)) left=$((left - 1))
        update $number "$name" "$source" "$target" "$wanted"
    done 3<$dir/paths
done
