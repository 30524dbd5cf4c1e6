# What the lanes share; their own scripts follow, with the extensions as arguments. Facts for the runner go into $dir/found, a line each, the
# fields divided by tabs; all that is printed is for people.
#
# Each extension has a number, a database pgxn_lane_NUMBER in which it was created and nothing else happened, and $dir/NUMBER.fresh, what was
# in that database then. The file is missing where it could not be created.
dir=/tmp/pgxn-lanes
tab=$(printf '\t')
export LC_ALL=C
read -r now rest </proc/uptime
deadline=$((${now%.*} + @SECONDS@))

in_time() { read -r now rest </proc/uptime; [ "${now%.*}" -lt $deadline ]; }
# Seconds for one step: 30, or what is left of all.
patience() {
    read -r now rest </proc/uptime
    patience=$((deadline - ${now%.*}))
    [ $patience -le 30 ] || patience=30
    [ $patience -ge 1 ] || patience=1
    export PGOPTIONS="-c statement_timeout=${patience}s"
}
sql() { database=$1; shift; patience; timeout -k 2 $((patience + 2)) psql -X -q -v ON_ERROR_STOP=1 -d "$database" "$@"; }

# fact WORD EXTENSION WHY FIELD...
fact() { line=$1; shift; for field; do line=$line$tab$field; done; printf '%s\n' "$line" >>$dir/found; }
# list FILE: its lines belong to the fact before.
list() { { cut -c 1-500 "$1" | head -c 7000; echo; } | sed "/^$/d; s/^/$tab/" >>$dir/found; }
# lane NAME: what follows belongs to it.
lane() {
    read -r now rest </proc/uptime
    fact lane "" "$1" "$now"
    echo "pgxn-testers: the lane $1"
}
# What a step that failed said: its first error and the row that it came with, or its last line.
why() {
    errors=$(grep -m 1 -A 3 -E '(ERROR|FATAL|PANIC): |server closed the connection' $dir/said | grep -E 'ERROR: |FATAL: |PANIC: |closed|CONTEXT:  COPY')
    last=$(tail -n 1 $dir/said)
    printf '%s' "${errors:-${last:-it said nothing}}" | sed 's/^psql:[^ ]* //' | tr '\t\n' '  ' | head -c 500
}
# Runs a step. What it says is shown, and kept in $dir/said; where it crashes the server, the next step finds the server back.
step() {
    "$@" >$dir/said 2>&1
    code=$?
    # What it left here may be a pipe that nobody writes into, or a link.
    for file in $dir/*; do [ -f $file ] && [ ! -L $file ] || rm -rf $file; done
    case $code in 124 | 137) echo "it did not end within $patience s" >>$dir/said ;; esac
    cat $dir/said
    if grep -q 'server closed the connection\|connection to server was lost\|terminating connection because of crash' $dir/said; then
        sleep 0.2
        tries=150
        until pg_isready -q || [ $tries -eq 0 ]; do tries=$((tries - 1)); sleep 0.1; done
    fi
    return $code
}

# A new database, without what a suite may have put into the template.
database() { sql postgres -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE template0"; }
drop() { step sql postgres -c "DROP DATABASE $1"; }
# What META says has to be there first.
needed() {
    cat <<'SQL'
@NEEDED@
SQL
}
# create DATABASE EXTENSION [VERSION]. The phase create has found out already what has to be there first.
create() {
    { needed; echo "CREATE EXTENSION :\"name\" ${3+VERSION :'version'} CASCADE;"; } | sql "$1" -v name="$2" -v version="${3-}"
}
# catalog DATABASE EXTENSION FILE
catalog() { sql "$1" -A -t -v name="$2" -f $dir/catalog.sql >$dir/lines && head -c 50000000 $dir/lines | sort >"$dir/$3"; }
# compare NUMBER FILE FACT...: tells that fact and the differences, if the catalog in the file is not the fresh one.
compare() {
    comm -3 "$dir/$1.fresh" "$dir/$2" | sed "s/^$tab/+$tab/; t; s/^/-$tab/" >$dir/differences
    shift 2
    [ -s $dir/differences ] || return 0
    echo 'What a fresh one has (-) and this one has instead (+):'
    cat $dir/differences
    fact "$@"
    # A value that is long is not told.
    awk -F '\t' -v OFS='\t' 'length($5) > 30 { $5 = "" } 1' $dir/differences >$dir/told
    list $dir/told
}
