# bash completion for agentctl, printed by: agentctl completion bash
_agentctl() {
    local nouns=' status daemon ping worker watch fsck reload audit usage clock completion version help stop resume drain breaker job schedule cron forecast company agent handler effect goal ticket routine approval profile session timer token '
    local alone=' status ping watch fsck reload audit usage version help stop resume drain forecast '
    local valued=' --run --connect --timeout --company --topic --since --action --who --limit --after --agent --schedule --scope --reason --payload --context --title --priority --at --in --unique --on-conflict --unique-for --debounce-key --debounce --debounce-max --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --expires --tag --trigger --source --parent --goal --ticket --token-budget --cost-budget --session --offset --state --handler --class --older --cron --tz --every --type --profile --daily-turns --daily-tokens --daily-cost --daily-run --overlap --misfire --misfire-max --catch-up --spread --jitter --start --end --max-firings --quiet-hours --quiet-sends --gate --idle-max --shadow-runs --ping-start --ping-success --ping-fail --overdue --budget-zone --clear --from --to --until --count -n --hours --with --data --status --kind --outcome --into --required --reward --deadline --assign --ticket-title --max-concurrent --priority-max --queue-max --daily-cost-micros --capabilities --sinks --approval --cost-budget-micros --metadata --role '
    local files=' --run --payload --context --ticket --gate --data --into --sinks --metadata '
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local noun= verb= command= words= word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $valued == *" $word "* ]]; then ((++i))
        elif [[ $word == -* ]]; then continue
        elif [[ -z $noun ]]; then noun=$word
        elif [[ -z $verb ]]; then verb=$word; fi
    done
    command=$noun
    [[ $alone == *" $noun "* ]] || command+=" $verb"
    if [[ $noun == help ]]; then noun=$verb verb=; fi
    case "$command $previous" in
    'job submit --on-conflict') words='return reject replace' ;;
    'job list --state') words='scheduled ready running completed failed cancelled expired parked' ;;
    'job cancel-many --state') words='scheduled ready running completed failed cancelled expired parked' ;;
    'job retry-many --state') words='scheduled ready running completed failed cancelled expired parked' ;;
    'job purge --state') words='scheduled ready running completed failed cancelled expired parked' ;;
    'schedule add --type') words='schedule heartbeat' ;;
    'schedule set --type') words='schedule heartbeat' ;;
    'effect list --status') words='pending attempting delivered failed unknown expired rejected suppressed' ;;
    'effect resolve --outcome') words='delivered failed' ;;
    'effect resend --status') words='failed expired suppressed rejected pending' ;;
    'effect resend --kind') words='send_message notify' ;;
    'goal set --status') words='open done cancelled' ;;
    'goal list --status') words='open done cancelled' ;;
    'ticket set --status') words='open in_progress done disputed' ;;
    'ticket list --status') words='open claimed in_progress done disputed' ;;
    'agent wake --on-conflict') words='return reject replace' ;;
    'approval list --status') words='pending granted denied' ;;
    'agent add --approval') words='none schedules all' ;;
    'agent set --approval') words='none schedules all' ;;
    'session list --status') words='open held closed' ;;
    'timer list --status') words='pending promoted cancelled' ;;
    'token add --role') words='view submit operator' ;;
    esac
    if [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$current")); return
    fi
    if [[ $files == *" $previous "* || $command == 'job submit-many' && $current != -* ]]; then
        COMPREPLY=($(compgen -f -- "$current")); return
    fi
    [[ $valued == *" $previous "* ]] && return
    [[ -z $noun ]] && words=$nouns
    [[ -z $verb ]] && case $noun in
    daemon) words='status' ;;
    worker) words='list scale restart' ;;
    clock) words='accept' ;;
    completion) words='bash' ;;
    breaker) words='list reset' ;;
    job) words='submit submit-many show why cancel retry stream set wait logs list cancel-many retry-many purge stats' ;;
    schedule) words='add set run backfill show why list pause resume promote remove firings stats' ;;
    cron) words='explain' ;;
    company) words='list add set show pause resume remove' ;;
    agent) words='list show why record activity wake add set pause resume remove' ;;
    handler) words='list' ;;
    effect) words='list show ack resolve resend why' ;;
    goal) words='add set show list decompose remove' ;;
    ticket) words='add set show list assign remove' ;;
    routine) words='add complete' ;;
    approval) words='list grant deny' ;;
    profile) words='add set show list remove' ;;
    session) words='send event list show events open close resume resend why' ;;
    timer) words='set list cancel why' ;;
    token) words='add list revoke' ;;
    esac
    [[ $current == -* ]] && case "$command" in
    'status') words=' --run --connect --json --timeout --company --help -h ' ;;
    'daemon status') words=' --run --connect --json --timeout --company --help -h ' ;;
    'ping') words=' --run --connect --json --timeout --company --help -h ' ;;
    'worker list') words=' --run --connect --json --timeout --company --help -h ' ;;
    'worker scale') words=' --run --connect --json --timeout --company --help -h ' ;;
    'worker restart') words=' --run --connect --json --timeout --company --help -h ' ;;
    'watch') words=' --run --connect --json --timeout --company --help -h --topic --since ' ;;
    'fsck') words=' --run --connect --json --timeout --company --help -h ' ;;
    'reload') words=' --run --connect --json --timeout --company --help -h --dry-run ' ;;
    'audit') words=' --run --connect --json --timeout --company --help -h --action --who --since --limit --after ' ;;
    'usage') words=' --run --connect --json --timeout --company --help -h --agent --schedule --since --limit --after ' ;;
    'clock accept') words=' --run --connect --json --timeout --company --help -h ' ;;
    'completion bash') words=' --run --connect --json --timeout --company --help -h ' ;;
    'version') words=' --run --connect --json --timeout --company --help -h ' ;;
    'help') words=' --run --connect --json --timeout --company --help -h --man ' ;;
    'stop') words=' --run --connect --json --timeout --company --help -h --scope --reason ' ;;
    'resume') words=' --run --connect --json --timeout --company --help -h ' ;;
    'drain') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'breaker list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'breaker reset') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job submit') words=' --run --connect --json --timeout --company --help -h --agent --payload --context --title --priority --at --in --unique --on-conflict --unique-for --debounce-key --debounce --debounce-max --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --expires --tag --trigger --source --parent --goal --ticket --token-budget --cost-budget --session --wait ' ;;
    'job submit-many') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job cancel') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job retry') words=' --run --connect --json --timeout --company --help -h --force ' ;;
    'job stream') words=' --run --connect --json --timeout --company --help -h --off ' ;;
    'job set') words=' --run --connect --json --timeout --company --help -h --priority --at ' ;;
    'job wait') words=' --run --connect --json --timeout --company --help -h ' ;;
    'job logs') words=' --run --connect --json --timeout --company --help -h --follow -f --offset ' ;;
    'job list') words=' --run --connect --json --timeout --company --help -h --state --agent --handler --schedule --session --trigger --tag --class --quarantined --due --retrying --older --after --limit ' ;;
    'job cancel-many') words=' --run --connect --json --timeout --company --help -h --state --agent --handler --schedule --session --trigger --tag --class --quarantined --due --retrying --older --after --limit --dry-run ' ;;
    'job retry-many') words=' --run --connect --json --timeout --company --help -h --state --agent --handler --schedule --session --trigger --tag --class --quarantined --due --retrying --older --after --limit --dry-run --force ' ;;
    'job purge') words=' --run --connect --json --timeout --company --help -h --state --agent --handler --schedule --session --trigger --tag --class --quarantined --due --retrying --older --after --limit --dry-run ' ;;
    'job stats') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule add') words=' --run --connect --json --timeout --company --help -h --cron --tz --every --handler --agent --payload --title --type --priority --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --tag --profile --ticket --token-budget --cost-budget --daily-turns --daily-tokens --daily-cost --daily-run --overlap --misfire --misfire-max --catch-up --spread --jitter --start --end --max-firings --quiet-hours --quiet-sends --gate --idle-max --shadow --shadow-runs --ping-start --ping-success --ping-fail --overdue --budget-zone ' ;;
    'schedule set') words=' --run --connect --json --timeout --company --help -h --cron --tz --every --handler --agent --payload --title --type --priority --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --tag --profile --ticket --token-budget --cost-budget --daily-turns --daily-tokens --daily-cost --daily-run --overlap --misfire --misfire-max --catch-up --spread --jitter --start --end --max-firings --quiet-hours --quiet-sends --gate --idle-max --shadow --shadow-runs --ping-start --ping-success --ping-fail --overdue --budget-zone --clear ' ;;
    'schedule run') words=' --run --connect --json --timeout --company --help -h --force ' ;;
    'schedule backfill') words=' --run --connect --json --timeout --company --help -h --from --to --force ' ;;
    'schedule show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'schedule pause') words=' --run --connect --json --timeout --company --help -h --reason --until ' ;;
    'schedule resume') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule promote') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule remove') words=' --run --connect --json --timeout --company --help -h ' ;;
    'schedule firings') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'schedule stats') words=' --run --connect --json --timeout --company --help -h ' ;;
    'cron explain') words=' --run --connect --json --timeout --company --help -h --tz --from --count -n ' ;;
    'forecast') words=' --run --connect --json --timeout --company --help -h --hours --with ' ;;
    'company list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'agent list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'agent show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'agent why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'agent record') words=' --run --connect --json --timeout --company --help -h --data ' ;;
    'agent activity') words=' --run --connect --json --timeout --company --help -h --type --limit --after ' ;;
    'handler list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'effect list') words=' --run --connect --json --timeout --company --help -h --status --session --kind --limit --after ' ;;
    'effect show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'effect ack') words=' --run --connect --json --timeout --company --help -h --session ' ;;
    'effect resolve') words=' --run --connect --json --timeout --company --help -h --outcome --reason ' ;;
    'effect resend') words=' --run --connect --json --timeout --company --help -h --status --session --kind --after --limit --dry-run ' ;;
    'effect why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'goal add') words=' --run --connect --json --timeout --company --help -h --parent --agent --data ' ;;
    'goal set') words=' --run --connect --json --timeout --company --help -h --title --parent --agent --status --data ' ;;
    'goal show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'goal list') words=' --run --connect --json --timeout --company --help -h --parent --status --limit --after ' ;;
    'goal decompose') words=' --run --connect --json --timeout --company --help -h --into --agent --priority ' ;;
    'goal remove') words=' --run --connect --json --timeout --company --help -h --cascade ' ;;
    'ticket add') words=' --run --connect --json --timeout --company --help -h --goal --parent --required --reward --deadline --data --assign --payload ' ;;
    'ticket set') words=' --run --connect --json --timeout --company --help -h --title --status --goal --parent --required --reward --deadline --data ' ;;
    'ticket show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'ticket list') words=' --run --connect --json --timeout --company --help -h --status --agent --goal --limit --after ' ;;
    'ticket assign') words=' --run --connect --json --timeout --company --help -h --payload --priority ' ;;
    'ticket remove') words=' --run --connect --json --timeout --company --help -h --cascade ' ;;
    'routine add') words=' --run --connect --json --timeout --company --help -h --cron --tz --every --ticket-title --assign --goal --required --reward --deadline --data --payload --max-turns ' ;;
    'routine complete') words=' --run --connect --json --timeout --company --help -h --agent --payload ' ;;
    'agent wake') words=' --run --connect --json --timeout --company --help -h --payload --context --title --priority --at --in --unique --on-conflict --unique-for --debounce-key --debounce --debounce-max --goal --ticket --every --cron --tz --schedule ' ;;
    'approval list') words=' --run --connect --json --timeout --company --help -h --status --limit --after ' ;;
    'approval grant') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'approval deny') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'company add') words=' --run --connect --json --timeout --company --help -h --max-concurrent --priority-max --queue-max --daily-turns --daily-tokens --daily-cost-micros --daily-run --budget-zone ' ;;
    'company set') words=' --run --connect --json --timeout --company --help -h --max-concurrent --priority-max --queue-max --daily-turns --daily-tokens --daily-cost-micros --daily-run --budget-zone ' ;;
    'company show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'company pause') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'company resume') words=' --run --connect --json --timeout --company --help -h ' ;;
    'company remove') words=' --run --connect --json --timeout --company --help -h --cascade ' ;;
    'agent add') words=' --run --connect --json --timeout --company --help -h --handler --profile --capabilities --data --sinks --max-concurrent --allow-self-wake --approval --daily-turns --daily-tokens --daily-cost-micros --daily-run --budget-zone ' ;;
    'agent set') words=' --run --connect --json --timeout --company --help -h --handler --profile --capabilities --data --sinks --max-concurrent --allow-self-wake --approval --daily-turns --daily-tokens --daily-cost-micros --daily-run --budget-zone ' ;;
    'agent pause') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'agent resume') words=' --run --connect --json --timeout --company --help -h ' ;;
    'agent remove') words=' --run --connect --json --timeout --company --help -h --cascade ' ;;
    'profile add') words=' --run --connect --json --timeout --company --help -h --handler --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --token-budget --cost-budget-micros ' ;;
    'profile set') words=' --run --connect --json --timeout --company --help -h --handler --max-run --max-turns --max-attempts --retry --retry-base --retry-factor --retry-max --token-budget --cost-budget-micros ' ;;
    'profile show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'profile list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'profile remove') words=' --run --connect --json --timeout --company --help -h ' ;;
    'session send') words=' --run --connect --json --timeout --company --help -h --agent --metadata ' ;;
    'session event') words=' --run --connect --json --timeout --company --help -h --agent --payload --parent ' ;;
    'session list') words=' --run --connect --json --timeout --company --help -h --status --limit --after ' ;;
    'session show') words=' --run --connect --json --timeout --company --help -h ' ;;
    'session events') words=' --run --connect --json --timeout --company --help -h --from --dead --limit --after ' ;;
    'session open') words=' --run --connect --json --timeout --company --help -h --agent ' ;;
    'session close') words=' --run --connect --json --timeout --company --help -h --reason ' ;;
    'session resume') words=' --run --connect --json --timeout --company --help -h --skip ' ;;
    'session resend') words=' --run --connect --json --timeout --company --help -h ' ;;
    'session why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'timer set') words=' --run --connect --json --timeout --company --help -h --at --in --payload --agent ' ;;
    'timer list') words=' --run --connect --json --timeout --company --help -h --status --limit --after ' ;;
    'timer cancel') words=' --run --connect --json --timeout --company --help -h ' ;;
    'timer why') words=' --run --connect --json --timeout --company --help -h ' ;;
    'token add') words=' --run --connect --json --timeout --company --help -h --role --session --expires ' ;;
    'token list') words=' --run --connect --json --timeout --company --help -h --limit --after ' ;;
    'token revoke') words=' --run --connect --json --timeout --company --help -h ' ;;
    *) words=' --run --connect --json --timeout --company --help -h ' ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _agentctl agentctl
