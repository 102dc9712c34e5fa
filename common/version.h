/* version - one number for all programs: they are built and installed together (N33). */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define AGENTD_VERSION "0.1.0"

#endif
