/** Memory for streams of bytes: segments and their pool, chains of them, and how these are read and written. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.buffer;
