#include "tools/agentctl/help.h"

#include <stdio.h>
#include <string.h>

/* A list of words with spaces around each. */
static void
add_once(struct buf *list, const char *before, const char *word)
{
    FREE_AUTO char *entry = xasprintf(" %s%s ", before, word);

    if (list->size > 0 && strstr(buf_str(list), entry)) return;
    buf_add_str(list, entry + (list->size > 0));
}

static void
add_flag(struct buf *list, const struct ctl_param *p)
{
    char letter[2] = {p->letter, '\0'};

    add_once(list, "--", p->name);
    if (p->letter) add_once(list, "-", letter);
}

static void
add_flags(struct buf *list, const struct ctl_param *flags)
{
    for (; flags && flags->name; flags++)
        add_flag(list, flags);
}

/* Those that a value follows; with is_file only those whose value may be a file. */
static void
add_valued(struct buf *list, const struct ctl_param *flags, bool is_file)
{
    for (; flags && flags->name; flags++) {
        if (!ctl_is_switch(flags) && (!is_file || flags->kind == CTL_JSON)) add_flag(list, flags);
    }
}

static void
put_valued(struct buf *out, const char *name, const char *first, bool is_file)
{
    const struct ctl_command *c;
    BUF_AUTO struct buf       list = {0};

    add_once(&list, "--", first);
    add_valued(&list, ctl_globals, is_file);
    for (size_t i = 0; (c = ctl_command_at(i)); i++)
        add_valued(&list, c->flags, is_file);
    buf_printf(out, "    local %s='%s'\n", name, buf_str(&list));
}

static void
put_nouns(struct buf *out)
{
    const struct ctl_command *c;
    BUF_AUTO struct buf       nouns = {0};
    BUF_AUTO struct buf       alone = {0};

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        add_once(&nouns, "", c->noun);
        if (!c->verb) add_once(&alone, "", c->noun);
    }
    buf_printf(out, "    local nouns='%s'\n", buf_str(&nouns));
    buf_printf(out, "    local alone='%s'\n", buf_str(&alone));
}

static void
put_verbs(struct buf *out)
{
    const struct ctl_command *c;

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        if (!c->verb || ctl_command_of(c->noun) != c) continue;
        buf_printf(out, "    %s) words='%s", c->noun, c->verb);
        for (const struct ctl_command *next = c; (next = ctl_command_next(next));)
            buf_printf(out, " %s", next->verb);
        buf_add_str(out, "' ;;\n");
    }
}

static void
put_flags(struct buf *out)
{
    const struct ctl_command *c;
    BUF_AUTO struct buf       globals = {0};
    char                      name[64];

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        BUF_AUTO struct buf list = {0};

        add_flags(&list, ctl_globals);
        add_flags(&list, c->flags);
        ctl_command_name(c, name, sizeof(name));
        buf_printf(out, "    '%s') words='%s' ;;\n", name, buf_str(&list));
    }
    add_flags(&globals, ctl_globals);
    buf_printf(out, "    *) words='%s' ;;\n", buf_str(&globals));
}

/* The flags that take one of a few words. */
static void
put_choices(struct buf *out)
{
    const struct ctl_command *c;
    char                      name[64];

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        ctl_command_name(c, name, sizeof(name));
        for (const struct ctl_param *p = c->flags; p && p->name; p++) {
            if (!p->value || !strchr(p->value, '|')) continue;
            buf_printf(out, "    '%s --%s') words='", name, p->name);
            for (const char *at = p->value; *at; at++)
                buf_add(out, *at == '|' ? " " : at, 1);
            buf_add_str(out, "' ;;\n");
        }
    }
}

/* Finds noun and verb: the first two words before the cursor that are neither options nor values.
 */
static const char reading[] =
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local noun= verb= command= words= word i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $valued == *\" $word \"* ]]; then ((++i))\n"
    "        elif [[ $word == -* ]]; then continue\n"
    "        elif [[ -z $noun ]]; then noun=$word\n"
    "        elif [[ -z $verb ]]; then verb=$word; fi\n"
    "    done\n"
    "    command=$noun\n"
    "    [[ $alone == *\" $noun \"* ]] || command+=\" $verb\"\n"
    "    if [[ $noun == help ]]; then noun=$verb verb=; fi\n";

static const char values[] =
    "    esac\n"
    "    if [[ -n $words ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\")); return\n"
    "    fi\n"
    "    if [[ $files == *\" $previous \"* || $command == 'job submit-many' && $current != -* ]]; "
    "then\n"
    "        COMPREPLY=($(compgen -f -- \"$current\")); return\n"
    "    fi\n"
    "    [[ $valued == *\" $previous \"* ]] && return\n";

void
ctl_completion_bash(struct buf *out)
{
    buf_add_str(out, "# bash completion for agentctl, printed by: agentctl completion bash\n"
                     "_agentctl() {\n");
    put_nouns(out);
    put_valued(out, "valued", "run", false);
    put_valued(out, "files", "run", true);
    buf_add_str(out, reading);
    buf_add_str(out, "    case \"$command $previous\" in\n");
    put_choices(out);
    buf_add_str(out, values);
    buf_add_str(out, "    [[ -z $noun ]] && words=$nouns\n"
                     "    [[ -z $verb ]] && case $noun in\n");
    put_verbs(out);
    buf_add_str(out, "    esac\n"
                     "    [[ $current == -* ]] && case \"$command\" in\n");
    put_flags(out);
    buf_add_str(out, "    esac\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                     "}\n"
                     "complete -F _agentctl agentctl\n");
}
