/**
 * Frames of many threads on their way into one stream: each whole, in the order of submission, and as many as have gathered by one
 * system call.
 *
 * <pre>
 *   any thread: submit(frame) --> FrameQueue --on the stream's loop--> GatheredFrames: one chain of bytes --> ByteStream.retryWrite
 *                                     |
 *                                     `--a FrameTurn among the frames: another write has its turn, and frames wait for its end
 * </pre>
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.frames.FrameQueue}</td><td>takes frames from any thread, and takes turns with the other writes of
 *       the stream</td></tr>
 *   <tr><td>{@code GatheredFrames}</td><td>the frames that have not ended, their bytes in one chain, and where each ends</td></tr>
 *   <tr><td>{@link io.netpark.core.net.frames.Frame}, {@link io.netpark.core.net.frames.FrameTurn}</td><td>what is submitted: bytes, or
 *       another write</td></tr>
 * </table>
 *
 * <p>Uses {@code net.streams} and what is below. Inner room, for the adapters. Begin with {@code FrameQueue.submit} and follow it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.frames;
