package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool

/**
 * How much the [Reader] and the [Writer] of a connection may hold, and where their memory comes from.
 *
 * A reader reads only what it is asked for, and a waiting connection holds no memory. So the input limit is about what a
 * handler asks for at once, and about views that it does not release.
 *
 * @property pool where segments come from. The pool's own limit is for all connections together. At that limit a reader waits until
 *   others have given memory back, or fails, as [SegmentPool.Builder.readersWait] says
 * @property inputLimit the most bytes that a reader may be asked to wait for, or may keep for views
 * @property outputLimit the most bytes that a writer may hold; reaching it is an error of the handler, which should flush
 * @property highWaterMark how many bytes a writer collects before its `write…` functions, and [Writer.flushIfFull], flush; half of
 *   [outputLimit] if that is less
 */
public class Buffering(
    public val pool: SegmentPool = SegmentPool.shared(),
    public val inputLimit: Int = 16 * MIB,
    public val outputLimit: Long = 64L * MIB,
    public val highWaterMark: Int = 64 * 1024,
) {
    init {
        require(inputLimit > 0 && outputLimit > 0 && highWaterMark > 0) {
            "limits are numbers of bytes above 0: input $inputLimit, output $outputLimit, mark $highWaterMark"
        }
    }

    /** Twice this fits the output limit. So a writer that may flush never reaches the limit. */
    internal val effectiveMark: Int = minOf(highWaterMark.toLong(), outputLimit / 2).toInt().coerceAtLeast(1)

    internal fun newInput(): LinkBuffer = LinkBuffer(pool)

    internal fun newOutput(): LinkBuffer = LinkBuffer(pool, outputLimit)

    private companion object {
        const val MIB = 1024 * 1024
    }
}
