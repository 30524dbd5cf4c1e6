# Creates every extension in a database of its own.
rm -rf $dir
mkdir -p $dir || exit 1
lane upgrade
cat >$dir/catalog.sql <<'SQL'
@CATALOG@
SQL

# Roles that tests have made step aside, so that it shows which ones an extension makes.
roles_aside() {
    cat >$dir/roles.sql <<'SQL'
\o :file
SELECT format('ALTER ROLE %I RENAME TO %I;', 'pgxn_aside_' || oid, rolname) FROM pg_roles
WHERE oid >= 16384 AND NOT starts_with(rolname, 'pgxn_aside_') ORDER BY oid LIMIT 500;
\o
SELECT format('ALTER ROLE %I RENAME TO %I;', rolname, 'pgxn_aside_' || oid) FROM pg_roles
WHERE oid >= 16384 AND NOT starts_with(rolname, 'pgxn_aside_') ORDER BY oid LIMIT 500
\gexec
SQL
    sql postgres -A -t -v file=$dir/roles -f $dir/roles.sql
}
roles_back() {
    [ -s $dir/roles ] && step sql postgres -f $dir/roles && mv $dir/roles $dir/roles-back
}
# The server may be on its way back from a crash in the tests.
if ! step roles_aside; then
    sleep 2
    step roles_aside || { fact no-server "" "$(why)"; exit 1; }
fi

created=0
for name; do
    in_time || { fact left-out "" $(($# - created)); break; }
    created=$((created + 1))
    echo "-- $name in a database of its own"
    step database pgxn_lane_$created || { fact no-server "" "$(why)"; exit 1; }
    # It may need one of the roles.
    if ! step create pgxn_lane_$created "$name" && ! { roles_back && step create pgxn_lane_$created "$name"; }; then
        fact not-created "$name" "$(why)"
    elif ! step catalog pgxn_lane_$created "$name" $created.fresh; then
        fact unread "$name" "$(why)"
        rm -f $dir/$created.fresh
    fi
done
