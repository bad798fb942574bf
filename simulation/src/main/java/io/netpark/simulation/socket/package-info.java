/**
 * Sockets: TCP, UDP, and unix sockets of streams, sequenced packets and datagrams, as tcp(7), udp(7) and unix(7) say and as the kernel's
 * sources do it.
 *
 * <p>Each kind is one class, below {@link io.netpark.simulation.socket.Socket}. Bytes of TCP arrive when they are sent, or after
 * the time of the link between two hosts, as far as the receiver has room: the buffers are as large as SO_SNDBUF and SO_RCVBUF say, and count bytes where the kernel counts memory.
 *
 * <p>Not modelled: auto-tuning of buffers but for that of a fresh connection, TIME_WAIT, close(2) that waits (SO_LINGER with a time), urgent data, fast open,
 * TCP_DEFER_ACCEPT, TCP_NOTSENT_LOWAT, keep-alive, multicast and broadcast, MSG_WAITALL, credentials in messages.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.socket;
