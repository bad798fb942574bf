/** Sockets that accept. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.listening;
