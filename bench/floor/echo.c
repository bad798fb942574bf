/*
 * The floor: what the work costs when a person writes it in C on epoll and nothing stands between. One thread a
 * loop, one buffer, edge-triggered, registered once, no allocation a request. After a short read the probe that
 * would only return EAGAIN is skipped, unless the peer is done: the shortcut Netpark takes too.
 *
 * floor MODE BLOCK BUFFER [LOOPS]
 *   echo    sends back what it reads
 *   source  reads a count (8 bytes, big-endian) and sends that many blocks of BLOCK bytes
 *   stamp   answers every read with CLOCK_MONOTONIC in nanoseconds (8 bytes, big-endian)
 *
 * With more than one loop the first accepts, and hands the connections round. A connection is touched by its loop only.
 *
 * Prints "listening on 127.0.0.1:PORT" and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 4096, MOST_LOOPS = 64 };
enum mode { ECHO, SOURCE, STAMP };

/* A connection that is up to date needs none of this: pages of idle connections are never touched but once. */
struct connection {
	char *unsent; /* bytes the socket did not take, and their range */
	size_t from, to;
	uint64_t owed; /* bytes of blocks still to send */
};

static enum mode mode;
static size_t block, buffer_size;
static __thread char *buffer;
static char *content;
static struct connection *connections; /* by descriptor number */
static size_t connection_limit;
static int epfds[MOST_LOOPS], loops = 1, listener;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void forget(int fd)
{
	struct connection *c = &connections[fd];
	free(c->unsent);
	memset(c, 0, sizeof *c);
	close(fd);
}

/* Sends, and keeps what does not fit. False if the connection is gone. */
static int send_all(int fd, const char *bytes, size_t length)
{
	ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return 0;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < length) {
		struct connection *c = &connections[fd];
		c->from = 0;
		c->to = length - sent;
		c->unsent = malloc(c->to);
		if (!c->unsent)
			die("malloc");
		memcpy(c->unsent, bytes + sent, c->to);
	}
	return 1;
}

/* 1: everything sent. 0: the socket is full. -1: the connection is gone. */
static int send_unsent(int fd, struct connection *c)
{
	while (c->from < c->to) {
		ssize_t sent = send(fd, c->unsent + c->from, c->to - c->from, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		c->from += sent;
	}
	free(c->unsent);
	c->unsent = NULL;
	return 1;
}

static int send_owed(int fd, struct connection *c)
{
	while (c->owed > 0) {
		size_t left = c->owed % block ? c->owed % block : block;
		ssize_t sent = send(fd, content + block - left, left, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		c->owed -= sent;
	}
	return 1;
}

/* Answers what was read. False if the connection is gone. */
static int answer(int fd, size_t length)
{
	if (mode == ECHO)
		return send_all(fd, buffer, length);
	if (mode == STAMP) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		uint64_t stamp = htobe64(now.tv_sec * 1000000000ull + now.tv_nsec);
		return send_all(fd, (char *)&stamp, sizeof stamp);
	}
	uint64_t count;
	if (length != sizeof count)
		return 0;
	memcpy(&count, buffer, sizeof count);
	connections[fd].owed = be64toh(count) * block;
	return send_owed(fd, &connections[fd]) >= 0;
}

static void serve(int fd, uint32_t ready)
{
	struct connection *c = &connections[fd];
	if (c->unsent || c->owed) {
		int sent = c->unsent ? send_unsent(fd, c) : send_owed(fd, c);
		if (sent < 0)
			forget(fd);
		if (sent <= 0)
			return;
	} else if (!(ready & ~EPOLLOUT)) {
		return;
	}
	for (;;) {
		ssize_t length = recv(fd, buffer, buffer_size, 0); /* cheaper than read(2) */
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == EAGAIN)
			return;
		if (length <= 0 || !answer(fd, length)) {
			forget(fd);
			return;
		}
		if (c->unsent || c->owed)
			return; /* reads on when that is sent */
		if ((size_t)length < buffer_size && !(ready & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			return;
	}
}

static void accept_one(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if ((size_t)fd >= connection_limit) {
		close(fd);
		return;
	}
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event event = { EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, { .fd = fd } };
	static unsigned next;
	if (epoll_ctl(epfds[next++ % loops], EPOLL_CTL_ADD, fd, &event) < 0)
		close(fd);
}

static void listen_on_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int on = 1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 65535) < 0)
		die("listen");
	getsockname(listener, (struct sockaddr *)&address, &length);
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
}

static void watch(int fd)
{
	struct epoll_event event = { EPOLLIN, { .fd = fd } };
	if (epoll_ctl(epfds[0], EPOLL_CTL_ADD, fd, &event) < 0 && errno != EPERM) /* EPERM: /dev/null, a file */
		die("epoll_ctl");
}

static void parse(int argc, char **argv)
{
	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: %s echo|source|stamp BLOCK BUFFER [LOOPS]\n", argv[0]);
		exit(2);
	}
	mode = !strcmp(argv[1], "source") ? SOURCE : !strcmp(argv[1], "stamp") ? STAMP : ECHO;
	block = strtoul(argv[2], NULL, 10);
	buffer_size = strtoul(argv[3], NULL, 10);
	if (argc == 5)
		loops = atoi(argv[4]);
	content = malloc(block);
	if (!block || !buffer_size || !content || loops < 1 || loops > MOST_LOOPS)
		die("arguments");
	for (size_t i = 0; i < block; i++)
		content[i] = (char)(i * 31 + (i >> 8)); /* as io.netpark.bench.server.Block has it */
}

/* Returns when the standard input has ended, which the first loop looks at. */
static void *run(void *number)
{
	int epfd = epfds[(intptr_t)number];
	struct epoll_event *events = calloc(EVENTS, sizeof *events);
	buffer = malloc(buffer_size);
	if (!events || !buffer)
		die("malloc");
	for (;;) {
		int found = epoll_wait(epfd, events, EVENTS, -1);
		if (found < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < found; i++) {
			int fd = events[i].data.fd;
			char ignored[64];
			if (fd == listener)
				accept_one();
			else if (fd != STDIN_FILENO)
				serve(fd, events[i].events);
			else if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
				return NULL;
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	pthread_t thread;
	parse(argc, argv);
	getrlimit(RLIMIT_NOFILE, &limit);
	connection_limit = limit.rlim_cur > 1 << 20 ? 1 << 20 : limit.rlim_cur;
	connections = calloc(connection_limit, sizeof *connections);
	for (int i = 0; i < loops; i++)
		if ((epfds[i] = epoll_create1(EPOLL_CLOEXEC)) < 0)
			die("epoll_create1");
	if (!connections)
		die("calloc");
	for (intptr_t i = 1; i < loops; i++)
		if ((errno = pthread_create(&thread, NULL, run, (void *)i)) != 0)
			die("pthread_create");
	listen_on_loopback();
	watch(listener);
	watch(STDIN_FILENO);
	run((void *)0);
	return 0;
}
