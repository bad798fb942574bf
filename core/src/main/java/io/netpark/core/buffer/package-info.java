/**
 * Memory for streams of bytes: {@link io.netpark.core.buffer.Segment}s that a {@link io.netpark.core.buffer.SegmentPool} lends; chains of
 * them, the {@link io.netpark.core.buffer.LinkBuffer}s; and how these are read and written, {@link
 * io.netpark.core.buffer.BufferReader} and {@link io.netpark.core.buffer.BufferWriter}.
 *
 * <p>A buffer knows no descriptor: it describes its bytes for a system call that others make. This package uses {@code core.heap},
 * {@code core.memory}, {@code core.linux}, the exceptions of {@code core.sys}, and {@code core.loop}, whose threads keep free segments.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.buffer;
