lane uninstall
# What `make install` wrote and is there.
written() {
    grep -v '^/data/' /pgxn/writable | while read -r directory; do
        find "$directory" -xdev ! -type d -cnewer /run/pgxn-mark ! -cnewer /run/pgxn-installed
    done
}
make_uninstall() { patience; timeout -k 2 $patience @UNINSTALL@; }
# drop_extension DATABASE EXTENSION; leaves behind the name of the schema that CREATE EXTENSION itself made, which stays by design.
drop_extension() {
    sql "$1" -A -t -v name="$2" -o $dir/schema <<'SQL'
SELECT quote_ident(schema) FROM pg_extension JOIN pg_available_extension_versions ON name = extname AND version = extversion WHERE name = :'name';
DROP EXTENSION :"name";
SELECT 'other' FROM pg_extension WHERE oid >= 16384;
SQL
}

number=0 others=no
for name; do
    number=$((number + 1))
    [ -e $dir/$number.fresh ] || continue
    in_time || { fact left-out "" $(($# - number + 1)); break; }
    echo "-- DROP EXTENSION of $name"
    fact tried "$name"
    if ! step drop_extension pgxn_lane_$number "$name"; then
        fact not-dropped "$name" "$(why)"
        continue
    fi
    schema=$(head -n 1 $dir/schema)
    grep -qx other $dir/schema && others=yes
    step catalog pgxn_lane_$number "$name" rest || { fact unread "$name" "$(why)"; continue; }
    cut -f 1,2 $dir/rest | uniq | grep -vxF "schema$tab$schema" >$dir/left
    [ -s $dir/left ] || continue
    echo 'What is left:'
    cat $dir/rest
    fact objects-left "$name"
    list $dir/left
done

# Whose is a role, where other extensions were created as well? Nor can it be told where roles did not step aside.
if [ $others = no ] && [ $number -gt 0 ] && [ ! -e $dir/roles-back ]; then
    sql postgres -A -t -c "SELECT 'role', quote_ident(rolname) FROM pg_roles WHERE oid >= 16384 AND NOT starts_with(rolname, 'pgxn_aside_')" \
        -F "$tab" >$dir/left
    [ -s $dir/left ] && { echo 'Roles that are left:'; cat $dir/left; fact objects-left "$*"; list $dir/left; }
fi

written >$dir/before
if [ -s $dir/before ]; then
    echo '-- make uninstall'
    fact make
    if step make_uninstall; then
        written >$dir/left
        if [ -s $dir/left ]; then
            echo 'Files that are left:'
            cat $dir/left
            # What it looked for in directories that are not there tells whose fault it is.
            sed -n 's/^rm -f //p' $dir/said | tr -d "'" | tr ' ' '\n' | while IFS= read -r file; do
                [ -d "${file%/*}" ] || printf '%s\n' "$file"
            done >$dir/removals
            fact removals
            list $dir/removals
            fact files-left "" "$(wc -l <$dir/left)"
            list $dir/left
        fi
    elif grep -q 'No rule to make target .uninstall' $dir/said; then
        fact no-uninstall
    else
        fact not-uninstalled "" "$(why)"
    fi
fi
lane end
