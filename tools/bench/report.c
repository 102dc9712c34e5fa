#include "tools/bench/bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double
now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
percentile(double *values, size_t n, double p)
{
    assert(n > 0);
    qsort(values, n, sizeof(*values), by_value);
    return values[(size_t)((double)(n - 1) * p / 100)];
}

void
figure_add(struct figure *f, double v)
{
    assert(f->count < RUNS_MAX);
    f->values[f->count++] = v;
}

double
figure_median(const struct figure *f)
{
    double sorted[RUNS_MAX];

    if (f->count == 0) return 0;
    memcpy(sorted, f->values, f->count * sizeof(*sorted));
    return percentile(sorted, f->count, 50);
}

static void
print_value(double v)
{
    if (v >= 1000) {
        printf("%10.0f", v);
    } else {
        printf("%10.3g", v);
    }
}

static void
print_figure(const struct figure *f)
{
    double sorted[RUNS_MAX];

    memcpy(sorted, f->values, f->count * sizeof(*sorted));
    print_value(percentile(sorted, f->count, 50));
    printf("  [");
    print_value(sorted[0]);
    printf(" ..");
    print_value(sorted[f->count - 1]);
    printf("]");
}

void
report_head(void)
{
    printf("%-4s %-52s %-26s %s\n", "", "figure", "who",
           "median  [least .. greatest]  agentd/other");
}

void
report_row(const char *id, const char *what, const char *unit, const struct figure *agentd,
           const struct other *others, unsigned count)
{
    char label[128];

    snprintf(label, sizeof(label), "%s%s(%s)", what, *what ? " " : "", unit);
    printf("%-4s %-52s %-20s", id, label, "agentd");
    print_figure(agentd);
    printf("\n");
    for (unsigned i = 0; i < count; i++) {
        if (others[i].figure->count == 0) continue;
        printf("%-4s %-52s %-20s", "", "", others[i].name);
        print_figure(others[i].figure);
        printf("  %.2f\n", figure_median(agentd) / figure_median(others[i].figure));
    }
    fflush(stdout);
}
