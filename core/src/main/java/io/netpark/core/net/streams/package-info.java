/** Connections and their halves. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.streams;
