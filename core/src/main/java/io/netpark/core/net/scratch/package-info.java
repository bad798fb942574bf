/**
 * Native memory for the duration of one system call: its structs, and the copy of bytes that lie on the heap.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.scratch.Scratch}</td><td>one block with a fixed place for each struct, from a small pool</td></tr>
 *   <tr><td>{@link io.netpark.core.net.scratch.Vector}</td><td>several buffers, or a chain of segments, as an array of iovecs in that
 *       block</td></tr>
 * </table>
 *
 * <p>A system call may be made on any thread, and there are far fewer calls at a time than connections: so the memory belongs to the
 * call and not to the connection, and a connection that is parked has none. Whoever takes a scratch gives it back in a
 * {@code finally}. What is not given back is left to the garbage collector.
 *
 * <p>This is the lowest room of {@code net}: it uses {@code buffer} and what is below, and every other room uses it. Begin with the
 * drawing at {@link io.netpark.core.net.scratch.Scratch}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.scratch;
