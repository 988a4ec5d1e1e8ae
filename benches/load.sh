#!/usr/bin/env bash
# Load on a real server, beside what this machine gives at best, measured in the same run.
#
#   benches/load.sh [profiles]   reading and creating profiles
#   benches/load.sh changes      changing and restoring large ones, on the disk and in memory
#   benches/load.sh decisions    reserving, settling, charging, explaining and forward-auth, with few and many virtual keys
#   benches/load.sh people       pages of users, holders, virtual keys and profiles, with a write before each of them
#
# Builds and starts everything itself, on loopback, in a directory of its own that is removed at the end. Takes about three minutes.
#   LOAD_SECONDS=3        how long each line of the table is measured
#   LOAD_PROFILES=100000  profiles in the database
#   LOAD_KEYS="10 10000 1000000"  virtual keys in the databases that decisions are measured on; the second one in full
#   LOAD_PEOPLE=100000    users, each with a copy and a virtual key, and profiles, in the database that `people` measures beside one of ten
#   LOAD_WRITE_EVERY=1    requests from one write to the next in `people`
#   LOAD_DIR=/tmp         where that directory is made; its disk is what is measured
set -euo pipefail
cd "$(dirname "$0")/.."

SECONDS_EACH=${LOAD_SECONDS:-3}
PROFILES=${LOAD_PROFILES:-100000}
CONNECTIONS=(1 8 64)
ADDRESS=127.0.0.1

main() {
    local mode=${1:-profiles}
    case $mode in
    profiles | changes | decisions | people) ;;
    *) stop "there is no mode $mode; modes: profiles, changes, decisions, people" ;;
    esac
    need_tools
    build
    trap clean_up EXIT
    work=$(mktemp -d "${LOAD_DIR:-${TMPDIR:-/tmp}}/tollkeeper-load.XXXXXX")
    "measure_$mode" 2> >(grep -v Killed >&2)
}

stop() {
    echo "load.sh: $*" >&2
    exit 1
}

need_tools() {
    local missing=() tool
    for tool in wrk curl awk cargo; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ ${#missing[@]} -eq 0 ] || stop "missing: ${missing[*]} (on Debian and Ubuntu: apt-get install ${missing[*]})"
    [ -r /proc/self/status ] || stop "peak memory is read from /proc, which is missing here"
}

build() {
    echo "building (release) ..." >&2
    local built
    built=$(cargo build --release --quiet --bin tollkeeper --bench ceiling --message-format=json)
    tollkeeper=$(executable "$built" tollkeeper)
    ceiling=$(executable "$built" ceiling)
}

# The path of what cargo has built under a name.
executable() {
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' <<<"$1" | awk -F/ -v name="$2" '$NF ~ "^" name "(-[0-9a-f]+)?$"' | tail -n 1
}

processes=()
clean_up() {
    local id
    for id in "${processes[@]}"; do kill -9 "$id" 2>/dev/null || true; done
    rm -rf "$work"
}

# Starts a program in the background; its process id is in $started, what it says goes into a file, as an operator would do it.
start() {
    "$@" >>"$work/log" 2>&1 &
    started=$!
    processes+=("$started")
}

# kill -9.
finish() {
    kill -9 "$1"
    wait "$1" 2>/dev/null || true
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# Waits until a URL answers with a status ("any" for any); says after how many milliseconds.
wait_for() {
    local url=$1 status=$2 began=$3 got
    while :; do
        got=$(curl -s -o /dev/null -w '%{http_code}' "$url" || true)
        if [ "$got" = "$status" ] || { [ "$status" = any ] && [ "$got" != 000 ]; }; then break; fi
        (($(now_ms) - began < 60000)) || stop "$url did not answer $status within a minute; see: $(tail -n 3 "$work/log")"
    done
    echo $(($(now_ms) - began))
}

# ---- the table ----

heading() {
    printf '\n%-38s %5s %10s %10s %10s %8s %8s\n' "$1" conns requests/s "p50 ms" "p99 ms" "peak MiB" errors
}

declare -A rates p99s

# Measures one line at every number of connections: a name, the process whose memory is shown, and wrk's arguments.
# The rate at the last number of connections is in $rate, its p99 in $p99, and the processor time of the process, in ms for each
# request, in $processor: the one figure that does not depend on what else the machine is doing.
measure() {
    local name=$1 process=$2 connections out began
    shift 2
    for connections in "${CONNECTIONS[@]}"; do
        echo 5 >"/proc/$process/clear_refs" 2>/dev/null || true
        local threads=$((connections < 2 ? 1 : 2))
        began=$(ticks "$process")
        out=$(wrk -t "$threads" -c "$connections" -d "${SECONDS_EACH}s" --latency --timeout 10s "$@")
        processor=$(awk -v spent="$(($(ticks "$process") - began))" -v hz="$(getconf CLK_TCK)" \
            '/ requests in / { printf "%.2f", $1 ? spent * 1000 / hz / $1 : 0 }' <<<"$out")
        rate=$(awk '/^Requests\/sec:/ { print $2 }' <<<"$out")
        p99=$(milliseconds 99% "$out")
        rates[$connections]=$rate p99s[$connections]=$p99
        printf '%-38s %5d %10.0f %10.2f %10.2f %8d %8d\n' "$name" "$connections" "$rate" "$(milliseconds 50% "$out")" "$p99" \
            "$(($(awk '/^VmHWM:/ { print $2 }' "/proc/$process/status") / 1024))" \
            "$(awk '/Non-2xx/ { n += $NF } /Socket errors/ { gsub(",", ""); n += $4 + $6 + $8 + $10 } END { print n + 0 }' <<<"$out")"
    done
}

# The processor time that a process has had, in clock ticks.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# One quantile of wrk's report in milliseconds.
milliseconds() {
    awk -v which="$1" '$1 == which {
        value = $2 + 0
        if ($2 ~ /us$/) value /= 1000
        else if ($2 ~ /[0-9]s$/) value *= 1000
        else if ($2 ~ /m$/) value *= 60000
        print value
    }' <<<"$2"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# ---- profiles ----

measure_profiles() {
    local data="$work/data" port=$((20000 + RANDOM % 10000)) url key header
    echo "making $PROFILES profiles ..." >&2
    "$ceiling" seed "$data" "$PROFILES"
    key=$(<"$data/initial-key")
    header="Authorization: Bearer $key"
    url="http://$ADDRESS:$port"

    local began server
    began=$(now_ms)
    start_server "$data" "$port"
    local ready_clean
    ready_clean=$(wait_for "$url/ready" 200 "$began")
    server=$started

    local middle=$((PROFILES / 2)) size
    size=$(curl -s -H "$header" "$url/api/access-profiles/$middle" | wc -c)
    write_create_script "$header"

    heading "ceilings"
    start "$ceiling" constant "$ADDRESS:$((port + 1))" "$size"
    wait_for "http://$ADDRESS:$((port + 1))/" 200 "$(now_ms)" >/dev/null
    measure "constant of $size bytes" "$started" "http://$ADDRESS:$((port + 1))/"
    local constant=$rate
    finish "$started"
    start "$ceiling" parse "$ADDRESS:$((port + 2))" "$size"
    wait_for "http://$ADDRESS:$((port + 2))/" any "$(now_ms)" >/dev/null
    measure "parse a body, answer a constant" "$started" -s "$work/create.lua" "http://$ADDRESS:$((port + 2))/"
    local parse=$rate
    finish "$started"
    local one_row all_rows
    read -r one_row all_rows < <("$ceiling" commits "$work" "$SECONDS_EACH")
    printf '%-38s %5s %10d\n' "commits, one row of one profile each" - "$one_row"
    printf '%-38s %5s %10d\n' "commits, all rows of one profile each" - "$all_rows"

    heading "tollkeeper, $PROFILES profiles"
    measure "GET one profile" "$server" -H "$header" "$url/api/access-profiles/$middle"
    local get=$rate get_p99=$p99
    write_spread_script "$header"
    measure "GET, any of the profiles" "$server" -s "$work/spread.lua" "$url"
    measure "page of 25" "$server" -H "$header" "$url/api/access-profiles"
    local page_p99=$p99
    measure "search, one of them" "$server" -H "$header" "$url/api/access-profiles?search=$(printf %05d $((middle - 1)))"
    measure "search, a hundredth of them" "$server" -H "$header" "$url/api/access-profiles?search=$(printf %03d $((middle / 100 - 1)))"
    local search_p99=$p99
    measure "search, a seventh of them" "$server" -H "$header" "$url/api/access-profiles?search=turku"
    local broad_p99=$p99
    measure "create" "$server" -s "$work/create.lua" "$url"
    local create=$rate
    echo
    echo "at ${CONNECTIONS[-1]} connections: GET is $(ratio "$get" "$constant") of the constant handler (aim 0.45), p99 $get_p99 ms (aim 10)"
    echo "page p99 $page_p99 ms, search p99 $search_p99 ms, broad search $broad_p99 ms (aim 20)"
    echo "create is $(ratio "$create" "$all_rows") x the same rows one by one (aim 2), $(ratio "$create" "$one_row") x one row one by one," \
        "$(ratio "$create" "$parse") of parsing alone"

    local ready_killed alive_killed
    finish "$server"
    began=$(now_ms)
    start_server "$data" "$port"
    alive_killed=$(wait_for "$url/health" 200 "$began")
    ready_killed=$(wait_for "$url/ready" 200 "$began")
    echo "ready after a clean stop: $ready_clean ms; after kill -9: serving $alive_killed ms, checked and ready $ready_killed ms" \
        "($(du -m "$data/tollkeeper.db" | cut -f 1) MiB)"
}

# ---- changes ----

# Changes and restores of profiles with 100 providers of 20 models each. In memory there is no disk to wait for: what is left
# there is our own work, and the difference is the commit's own sync. Beside it a handler that parses the same bodies, answers as
# many bytes and keeps nothing: what this machine gives at best when the client is on it too.
measure_changes() {
    CONNECTIONS=(1 8)
    local memory="" name
    if [ -d /dev/shm ]; then
        memory=$(mktemp -d /dev/shm/tollkeeper-load.XXXXXX)
        measure_changes_in "$memory/data" "in memory, no sync"
        rm -rf "$memory"
        local -A memory_p99=([PUT]=$put_p99 [restore]=$restore_p99 [new]=$new_p99)
    fi
    measure_changes_in "$work/disk" "on the disk"
    local -A disk_p99=([PUT]=$put_p99 [restore]=$restore_p99 [new]=$new_p99)
    measure_changes_ceiling
    echo
    for name in PUT restore; do
        [ -z "$memory" ] || echo "$name at ${CONNECTIONS[-1]} connections: p99 ${memory_p99[$name]} ms without the sync (aim 10)," \
            "${disk_p99[$name]} ms with it"
    done
    [ -z "$memory" ] || echo "PUT with every line new at ${CONNECTIONS[-1]} connections: p99 ${memory_p99[new]} ms without the sync," \
        "${disk_p99[new]} ms with it"
    local one_row
    read -r one_row _ < <("$ceiling" commits "$work" "$SECONDS_EACH")
    echo "a commit of one row alone, one by one: $(ratio 1000 "$one_row") ms on this disk"
    echo "processor time of the server, ms a request: PUT $put_processor, restore $restore_processor," \
        "PUT with every line new $new_processor; parsing alone $processor, p99 $p99 ms"
}

# Parsing bodies of that size alone.
measure_changes_ceiling() {
    local port=$((20000 + RANDOM % 10000))
    heading "ceiling"
    start "$ceiling" parse "$ADDRESS:$port" "$answer_bytes"
    wait_for "http://$ADDRESS:$port/" any "$(now_ms)" >/dev/null
    measure "parse a body, answer $answer_bytes bytes" "$started" -s "$work/new.lua" "http://$ADDRESS:$port"
    finish "$started"
}

measure_changes_in() {
    local data=$1 port=$((20000 + RANDOM % 10000)) url key n
    url="http://$ADDRESS:$port"
    start_server "$data" "$port"
    wait_for "$url/ready" 200 "$(now_ms)" >/dev/null
    key=$(<"$data/initial-key")
    write_change_scripts "Authorization: Bearer $key"
    for n in 1 2 3 4 5 6 7 8; do
        large_profile "$n" 0 | curl -s -o /dev/null -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d @- "$url/api/access-profiles"
        large_profile "$n" 1 | curl -s -o /dev/null -X PUT -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d @- "$url/api/access-profiles/$n"
        curl -s -H "Authorization: Bearer $key" "$url/api/access-profiles/$n" >"$work/read-$n.json"
    done
    answer_bytes=$(wc -c <"$work/read-1.json")
    heading "$2"
    measure "PUT of what was read, a budget changed" "$started" -s "$work/put.lua" "$url"
    put_p99=$p99 put_processor=$processor
    measure "restore of a version" "$started" -s "$work/restore.lua" "$url"
    restore_p99=$p99 restore_processor=$processor
    measure "PUT with every line new ($(large_profile 1 0 | wc -c) bytes)" "$started" -s "$work/new.lua" "$url"
    new_p99=$p99 new_processor=$processor
    finish "$started"
}

# The body of a large profile; the second argument makes two that differ in every line.
large_profile() {
    awk -v name="large $1" -v salt="$2" 'BEGIN {
        printf "{\"name\":\"%s\",\"provider_configs\":[", name
        for (p = 0; p < 100; p++) {
            printf "%s{\"provider_name\":\"provider-%d\",\"allowed_models\":[", p ? "," : "", p
            for (m = 0; m < 20; m++) printf "%s\"model-%d-of-generation-%d\"", m ? "," : "", m, salt
            printf "],\"budgets\":[{\"max_limit\":%d.5,\"reset_duration\":\"1d\"}]}", p + salt
        }
        print "]}"
    }'
}

write_change_scripts() {
    large_profile X 0 >"$work/body.json"
    # What an operator does: everything is sent back as it was read, but for one budget.
    cat >"$work/put.lua" <<LUA
wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "${1#Authorization: }"
local threads, turn, bodies = 0, 0, {}
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init()
    for n = 1, 8 do
        local text = io.open("$work/read-" .. n .. ".json"):read("a")
        local from, to = text:find('"max_limit":51.5', 1, true)
        bodies[n] = { text:sub(1, from - 1) .. '"max_limit":', text:sub(to + 1) }
    end
end
function request()
    turn = turn + 1
    local n = turn % 8 + 1
    return wrk.format(nil, "/api/access-profiles/" .. n, nil, bodies[n][1] .. turn * 2 + number .. ".25" .. bodies[n][2])
end
LUA
    # The worst: no line was ever sent before, or so long ago that the server has forgotten it.
    cat >"$work/new.lua" <<LUA
wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "${1#Authorization: }"
local threads, turn, bodies = 0, 0, {}
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init()
    local text = io.open("$work/body.json"):read("a"):gsub('"name":"large X",', "")
    for n = 1, 200 do bodies[n] = text:gsub("%.5,", "." .. n * 2 + number .. ",") end
end
function request()
    turn = turn + 1
    return wrk.format(nil, "/api/access-profiles/" .. turn % 8 + 1, nil, bodies[turn % 200 + 1])
end
LUA
    cat >"$work/restore.lua" <<LUA
wrk.method = "POST"
wrk.headers["Authorization"] = "${1#Authorization: }"
local turn = 0
function request()
    turn = turn + 1
    return wrk.format(nil, "/api/access-profiles/" .. turn % 8 + 1 .. "/versions/" .. math.floor(turn / 8) % 2 + 1 .. "/restore")
end
LUA
}

# ---- decisions ----

# Everything with the second number of keys and full durability, beside a handler that parses the same body and answers as many
# bytes; then reservations alone with the other numbers of keys, and everything without waiting for the disk.
measure_decisions() {
    CONNECTIONS=(1 64 256)
    local keys few middle many
    read -r few middle many <<<"${LOAD_KEYS:-10 10000 1000000}"
    for keys in $few $middle $many; do
        echo "making $keys virtual keys ..." >&2
        make_holders "$keys"
    done

    declare -A constant flat
    start_decisions "$middle" power
    local size
    size=$(ask_once | wc -c)
    finish "$server"
    heading "ceiling"
    write_call_script "$middle"
    start "$ceiling" ask "$ADDRESS:$((port + 1))" "$size"
    wait_for "http://$ADDRESS:$((port + 1))/" any "$(now_ms)" >/dev/null
    measure "parse the call, answer $size bytes" "$started" -s "$work/call.lua" "http://$ADDRESS:$((port + 1))/v1/reservations"
    for keys in "${CONNECTIONS[@]}"; do constant[$keys]=${rates[$keys]}; done
    finish "$started"

    local durability
    for durability in power process; do
        # Anew each time: reservations stay open for ten minutes, and no more than a million may be.
        make_holders "$middle"
        start_decisions "$middle" "$durability"
        write_call_script "$middle"
        heading "$middle keys, durability $durability"
        measure "reserve" "$server" -s "$work/call.lua" "$url/v1/reservations"
        compare
        [ "$durability" = process ] || flat[$middle]=${rates[64]}
        measure "reserve and settle" "$server" -s "$work/settle.lua" "$url"
        compare
        measure "usage" "$server" -s "$work/usage.lua" "$url/v1/usage"
        compare
        measure "explain" "$server" -s "$work/call.lua" "$url/v1/explain"
        compare
        measure "forward-auth" "$server" -s "$work/forward.lua" "$url/v1/forward-auth"
        compare
        finish "$server"
    done
    for keys in $few $many; do
        start_decisions "$keys" power
        write_call_script "$keys"
        heading "$keys keys, ready after $ready ms with $memory MiB"
        measure "reserve" "$server" -s "$work/call.lua" "$url/v1/reservations"
        compare
        flat[$keys]=${rates[64]}
        finish "$server"
    done
    echo
    echo "reserve at 64 connections: $(ratio "${flat[$few]}" "${flat[$middle]}") with $few keys and" \
        "$(ratio "${flat[$many]}" "${flat[$middle]}") with $many of that with $middle"
}

# A database with so many keys, and the file that lists them.
make_holders() {
    rm -rf "${work:?}/$1"
    "$ceiling" holders "$work/$1" "$1" >"$work/keys-$1"
}

# How the last line compares with the handler that decides nothing.
compare() {
    echo "    of the handler that decides nothing: $(ratio "${rates[64]}" "${constant[64]}") at 64 (aim 0.40)," \
        "$(ratio "${rates[256]}" "${constant[256]}") at 256 (aim 0.50); p99 ${p99s[256]} ms (aim 8)"
}

# Starts a server on the database with so many keys: its process is in $server, its address in $url, how long it took to be ready in
# $ready, and how much memory it had then in $memory.
start_decisions() {
    port=$((20000 + RANDOM % 10000)) url="http://$ADDRESS:$port"
    local began
    began=$(now_ms)
    # What is measured is how quickly reservations are made, not how many one caller may leave open.
    start env -i TOLLKEEPER_DECISIONS__MAX_OPEN_PER_VIRTUAL_KEY=1000000 TOLLKEEPER_DECISIONS__MAX_OPEN_PER_MANAGEMENT_KEY=1000000 \
        TOLLKEEPER_DECISIONS__DURABILITY="$2" TOLLKEEPER_LOG__LEVEL="${LOAD_LOG_LEVEL:-info}" \
        "$tollkeeper" serve --data-dir "$work/$1" --listen "$ADDRESS:$port"
    ready=$(wait_for "$url/ready" 200 "$began")
    server=$started
    memory=$(($(awk '/^VmRSS:/ { print $2 }' "/proc/$server/status") / 1024))
    header="Bearer $(<"$work/$1/initial-key")"
    keys_file="$work/keys-$1"
}

# The answer to one reservation.
ask_once() {
    curl -s -H "Authorization: $header" -H 'Content-Type: application/json' "$url/v1/reservations" \
        -d "{\"virtual_key\":\"$(head -n 1 "$keys_file")\",\"provider\":\"openai\",\"model\":\"gpt-5\",\"estimated_tokens\":1200,\"estimated_cost\":0.0125}"
}

# wrk's scripts: reservations and explanations; reservations that are settled; charges; forward-auth.
write_call_script() {
    local common="
local keys = {}
for line in io.lines('$work/keys-$1') do keys[#keys + 1] = line end
local headers = { ['Authorization'] = '$header', ['Content-Type'] = 'application/json' }
local threads = 0
function setup(thread) thread:set('number', threads); threads = threads + 1 end
function init() math.randomseed(number * 7919 + os.time()) end
local function call(more)
    return '{\"virtual_key\":\"' .. keys[math.random(#keys)] .. '\",\"provider\":\"openai\",\"model\":\"gpt-5\",' .. more .. '}'
end
"
    cat >"$work/call.lua" <<LUA
$common
function request()
    return wrk.format("POST", nil, headers, call('"estimated_tokens":1200,"estimated_cost":0.0125'))
end
LUA
    cat >"$work/settle.lua" <<LUA
$common
local held = {}
function request()
    local id = table.remove(held)
    if id then return wrk.format("POST", "/v1/reservations/" .. id .. "/settle", headers, '{"tokens":950,"cost":0.0098}') end
    return wrk.format("POST", "/v1/reservations", headers, call('"estimated_tokens":1200,"estimated_cost":0.0125'))
end
function response(status, _, body)
    if status == 201 then held[#held + 1] = body:sub(23, 48) end
end
LUA
    cat >"$work/usage.lua" <<LUA
$common
local made, run = 0, os.time()
function request()
    made = made + 1
    local id = run .. "-" .. number .. "-" .. made .. "-" .. math.random(1000000)
    return wrk.format("POST", nil, headers, call('"tokens":950,"cost":0.0098,"request_id":"' .. id .. '"'))
end
LUA
    cat >"$work/forward.lua" <<LUA
$common
function request()
    return wrk.format("GET", nil, { ["x-api-key"] = keys[math.random(#keys)], ["x-provider"] = "openai", ["x-model"] = "gpt-5" })
end
LUA
}

# ---- people ----

# Each list of ten and of many, one request after the other; only they are timed, not the writes between them.
measure_people() {
    local many=${LOAD_PEOPLE:-100000} every=${LOAD_WRITE_EVERY:-1} deep=$((${LOAD_PEOPLE:-100000} * 4 / 5)) size
    local people=(
        "/api/users" "/api/users?sort=-updated_at&offset=$deep" "/api/users?search=99" "/api/users?search=person&sort=email&offset=$deep"
        "/api/users?access_profile_id=1" "/api/users?access_profile_id=1&sort=email&offset=$deep" "/api/access-profiles/1/users"
    )
    local keys=("/api/virtual-keys" "/api/virtual-keys?search=zq" "/api/virtual-keys?search=everybody&sort=name&offset=$deep")
    local profiles=(
        "/api/access-profiles" "/api/access-profiles?sort=-updated_at&offset=$deep" "/api/access-profiles?search=a"
        "/api/access-profiles?search=turku&sort=name" "/api/access-profiles?tags=production&is_active=true"
    )
    declare -A asked
    for size in 10 "$many"; do
        echo "making $size users and profiles ..." >&2
        "$ceiling" holders "$work/people-$size" "$size" >/dev/null
        "$ceiling" seed "$work/profiles-$size" "$size"
        printf '\n%-72s %10s %10s\n' "$size of each, requests from write to write: $every" "p50 ms" "p99 ms"
        start_pages "$work/people-$size"
        ask_pages "$size" "$every" /api/users/2 "${people[@]}"
        local key
        key=$(curl -s -H "Authorization: Bearer $key_of_pages" "$url/api/virtual-keys?limit=1" | sed 's/.*"virtual_keys":\[{"id":"\([^"]*\)".*/\1/')
        ask_pages "$size" "$every" "/api/virtual-keys/$key" "${keys[@]}"
        finish "$started"
        start_pages "$work/profiles-$size"
        ask_pages "$size" "$every" /api/access-profiles/2 "${profiles[@]}"
        finish "$started"
    done
    echo
    local path
    for path in "${people[@]}" "${keys[@]}"; do
        echo "$path: p99 ${asked[$many $path 99]} ms (aim 20)"
    done
    for path in "${profiles[@]}"; do
        echo "$path: p99 ${asked[$many $path 99]} ms (aim 20), p50 $(ratio "${asked[$many $path 50]}" "${asked[10 $path 50]}") of that of ten"
    done
}

start_pages() {
    local port=$((20000 + RANDOM % 10000))
    url="http://$ADDRESS:$port"
    start_server "$1" "$port"
    wait_for "$url/ready" 200 "$(now_ms)" >/dev/null
    key_of_pages=$(<"$1/initial-key")
}

ask_pages() {
    local size=$1 p50 p99 path
    shift
    while read -r p50 p99 path; do
        asked[$size $path 50]=$p50 asked[$size $path 99]=$p99
        printf '%-72s %10s %10s\n' "$path" "$p50" "$p99"
    done < <("$ceiling" pages "$url" "$key_of_pages" "$@")
}

start_server() {
    start env -i "$tollkeeper" serve --data-dir "$1" --listen "$ADDRESS:$2"
}

# wrk's script that creates profiles, each with a name of its own.
write_create_script() {
    local body
    body=$(<benches/profile.json)
    cat >"$work/create.lua" <<LUA
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
local body, made = [==[$body]==], 0
local run -- differs in every run of wrk, so that no name comes twice
function request()
    made = made + 1
    if made == 1 then run = os.time() * 1000 + math.floor((os.clock() * 1e6) % 1000) end
    local name = ("load %d-%d-%d"):format(run, number, made)
    return wrk.format("POST", "/api/access-profiles", { ["Authorization"] = "${1#Authorization: }", ["Content-Type"] = "application/json" },
        (body:gsub("@NAME@", name)))
end
LUA
}

# wrk's script that reads profiles all over the database.
write_spread_script() {
    cat >"$work/spread.lua" <<LUA
function request()
    return wrk.format("GET", "/api/access-profiles/" .. math.random(1, $PROFILES), { ["Authorization"] = "${1#Authorization: }" })
end
LUA
}

main "$@"
