/** Sockets: listeners, connections, dialing, options. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net;
