/*
 * The floor of a wake-up: how soon a thread that sleeps in the kernel is at work when another calls. Nothing but the system calls:
 * a thread that waits on a futex, and one that waits for an eventfd in epoll_wait, as an event loop does.
 *
 * Answers each line "futex COUNT" or "epoll COUNT" on its standard input with "p50=… p99=… p999=…" in nanoseconds, from before the
 * call to the first line of the thread that was woken. Prints "ready" first, and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_NANOS = 200000, MOST = 1000000 };

static atomic_uint word;
static int epfd, bell;
static _Atomic int64_t handed_over, took;
static sem_t ran;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void at_work(void)
{
	took = now() - handed_over;
	sem_post(&ran);
}

static void *by_futex(void *ignored)
{
	for (;;) {
		while (!atomic_exchange(&word, 0))
			syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		at_work();
	}
	return ignored;
}

static void *by_epoll(void *ignored)
{
	struct epoll_event event;
	uint64_t rings;
	for (;;) {
		if (epoll_wait(epfd, &event, 1, -1) == 1) {
			at_work();
			if (read(bell, &rings, sizeof rings) < 0)
				die("read");
		}
	}
	return ignored;
}

static int ascending(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static void measure(int is_futex, int count, int64_t *nanos)
{
	struct timespec pause = { 0, PAUSE_NANOS };
	uint64_t one = 1;
	for (int i = 0; i < count; i++) {
		nanosleep(&pause, NULL); /* the other goes to sleep */
		handed_over = now();
		if (is_futex) {
			atomic_store(&word, 1);
			syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		} else if (write(bell, &one, sizeof one) < 0) {
			die("write");
		}
		sem_wait(&ran);
		nanos[i] = took;
	}
	qsort(nanos, count, sizeof *nanos, ascending);
	printf("p50=%lld p99=%lld p999=%lld\n", (long long)nanos[count / 2], (long long)nanos[(int64_t)count * 99 / 100],
			(long long)nanos[(int64_t)count * 999 / 1000]);
	fflush(stdout);
}

int main(void)
{
	struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = 0 } };
	pthread_t thread;
	char kind[16];
	int count;
	int64_t *nanos = malloc(MOST * sizeof *nanos);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!nanos || epfd < 0 || bell < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, bell, &event) < 0 || sem_init(&ran, 0, 0) < 0)
		die("start");
	if (pthread_create(&thread, NULL, by_futex, NULL) || pthread_create(&thread, NULL, by_epoll, NULL))
		die("pthread_create");
	puts("ready");
	fflush(stdout);
	while (scanf("%15s %d", kind, &count) == 2) {
		if (count < 1 || count > MOST || (strcmp(kind, "futex") && strcmp(kind, "epoll"))) {
			puts("unknown");
			fflush(stdout);
		} else {
			measure(!strcmp(kind, "futex"), count, nanos);
		}
	}
	return 0;
}
