/**
 * Copies from connection to connection, upon the event loops of the two and without a thread or a coroutine of their own. The adapters
 * lend a copy what it needs, wait for its end, and take back what it has not used.
 *
 * <table>
 * <caption>What is where</caption>
 * <tr><td>Transfer</td><td>one direction: a read of the source and a write of the target by turns, its cancellation, its end</td></tr>
 * <tr><td>InTransit</td><td>bytes between the read and the write: spliced through a pipe, or copied through segments</td></tr>
 * <tr><td>SourceWatch</td><td>the end of the source while the target has no room</td></tr>
 * <tr><td>Relay</td><td>two transfers, and what the end of one means for the other</td></tr>
 * <tr><td>BrokenStream</td><td>which failures are passed on as a reset</td></tr>
 * <tr><td>HeldBuffers</td><td>what readers and writers hold, in the hands of a copy</td></tr>
 * </table>
 *
 * <p>Bytes that a reader has read ahead go to the target first. What has been taken from the source, and the target has not taken, goes
 * back when a copy fails; {@link io.netpark.core.net.transfer.Transfer#lost} counts what could not. Uses {@code net.streams} and what is
 * below it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.transfer;
