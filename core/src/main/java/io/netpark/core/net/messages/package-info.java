/** Sockets that keep the boundaries of messages. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.messages;
