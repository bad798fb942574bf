/**
 * The callback API for Java: a server, a client, and a low-level poller, on the same epoll core as the coroutines.
 *
 * <p>Every callback of a connection runs on the thread of the connection's event loop, one at a time, and never inside
 * another one. So callbacks need no locks among themselves, and must not block: whoever waits there keeps all other
 * connections of the loop waiting. What a callback throws closes that connection, and only that; it is told to its
 * {@linkplain io.netpark.callback.Callbacks.Builder#onFailure failure callback}, or reported to the
 * {@linkplain io.netpark.core.report.Reporter reporter} of the group.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback;
