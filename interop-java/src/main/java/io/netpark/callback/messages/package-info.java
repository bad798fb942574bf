/**
 * Sockets that keep the boundaries of messages, with callbacks: UDP, datagrams and sequenced packets of unix.
 *
 * <p>Every callback of a socket runs on the thread of its event loop, one at a time. This room uses
 * {@link io.netpark.callback.socket}, {@code accepting} and {@code futures}; connections of streams do not use it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.messages;
