lane reload
cat >$dir/unmarked.sql <<'SQL'
@UNMARKED@
SQL
dump() { patience; timeout -k 2 $((patience + 2)) "$bin/pg_dump" -d "$1" -f $dir/dump.sql; }

bin=$("$PG_CONFIG" --bindir)
number=0
for name; do
    number=$((number + 1))
    [ -e $dir/$number.fresh ] || continue
    in_time || { fact left-out "" $(($# - number + 1)); break; }
    echo "-- pg_dump and psql of a database with $name"
    fact tried "$name"
    if ! step dump pgxn_lane_$number; then
        fact not-dumped "$name" "$(why)"
    elif ! step database pgxn_reload; then
        fact unread "$name" "$(why)"
    elif ! step sql pgxn_reload -o /dev/null -f $dir/dump.sql; then
        fact not-restored "$name" "$(why)"
    elif ! step catalog pgxn_reload "$name" restored; then
        fact unread "$name" "$(why)"
    else
        compare $number restored restored "$name"
    fi
    rm -f $dir/dump.sql
    step sql pgxn_lane_$number -A -t -F "$tab" -v name="$name" -o $dir/unmarked -f $dir/unmarked.sql || continue
    while IFS=$tab read -r kind table sequence <&3; do
        # A table that is filled when it is created need not be dumped.
        [ $kind = unmarked-table ] && ! grep -qxF "table$tab$table${tab}rows${tab}0" $dir/$number.fresh && continue
        fact "$kind" "$name" "" "$table" "$sequence"
    done 3<$dir/unmarked
done
