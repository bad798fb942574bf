/** Copies from connection to connection. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.transfer;
