/**
 * Where messages end in a stream of bytes: {@link io.netpark.core.framing.Framing}, and the kinds of it that protocols have most.
 *
 * <p>A framing reads from a {@link io.netpark.core.buffer.BufferReader} and keeps nothing. This package uses {@code core.buffer}
 * and the exceptions of {@code core.sys}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.framing;
