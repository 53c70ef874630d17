/* banned.h - forced into every compilation: functions that have a safe sibling do not compile. */
#ifndef MRT_BASE_BANNED_H
#define MRT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* with _FORTIFY_SOURCE some are macros for clang */
#undef sprintf
#undef vsprintf
#undef strncpy
#undef strcpy
#undef strcat
#undef strncat
#pragma GCC poison strcpy strcat strncpy sprintf vsprintf strtok gmtime localtime atoi system

#endif
