/**
 * Connections: two streams of bytes over one descriptor, one in and one out.
 *
 * <p>A connection is one object, as it is what ten thousand of are kept; its parts are layers, each a file with one concern, and each
 * knows only those below it:
 *
 * <table>
 *   <caption>The layers of a connection, lowest first</caption>
 *   <tr><th>class</th><th>its concern</th></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.StreamEnds}</td><td>whether an end that is read is the peer's, or that of a broken
 *       connection; what is known of the peer</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.StreamSocket}</td><td>who is told that the peer has gone
 *       ({@link io.netpark.core.net.streams.PeerWatch}), though nobody reads</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.PendingInput}</td><td>whether there is anything to read: known without asking, or asked
 *       without taking it</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.SecuringSocket}</td><td>how it gets TLS, and the wait for the end of the handshake;
 *       {@code HandshakeWait} is told of that</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.SecureSocket}</td><td>data over TLS, if it has it: operations over a
 *       {@code SecureLayer}, with records instead of bytes in the socket</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.ByteInput}</td><td>reading, into buffers, chains and pipes; the wait for memory
 *       ({@code MemoryWait})</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.LendingOutput}</td><td>zero copy: what the kernel has on loan</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.ByteOutput}</td><td>writing; {@code Output} has what buffers, chains, files and pipes
 *       differ in</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.ByteStream}</td><td>both halves: their ends, closing, being idle</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.ConnectionDescriptor}</td><td>the peer's address; connecting, detaching, resets, passing
 *       descriptors</td></tr>
 * </table>
 *
 * <table>
 *   <caption>Beside them</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.Opening}</td><td>how a socket becomes a connection, for dialing and listening</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.Departure}</td><td>is told when nothing is left of an accepted connection: so a room
 *       above can count connections, and this one does not know it</td></tr>
 *   <tr><td>{@code LingeringClose}</td><td>a connection that is closed while its peer may still be sending</td></tr>
 *   <tr><td>{@code IdleTimeout}, {@link io.netpark.core.net.streams.IdleOwner}</td><td>ends a connection on which no byte has moved
 *       for some time, or tells the adapter that owns it</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.AwaitedInput}</td><td>how much of the input may be awaited, whether it is there as a
 *       whole, and what it means if it is not: what the adapters' readers have in common</td></tr>
 *   <tr><td>{@link io.netpark.core.net.streams.Splicing}</td><td>the operations of a copy between two connections</td></tr>
 *   <tr><td>{@code Uptake}</td><td>whether the peer takes what the socket holds, though the socket takes
 *       nothing</td></tr>
 * </table>
 *
 * <p>Reading and writing follow the template of {@link io.netpark.core.fd.Descriptor}: {@code start…} makes the system call,
 * {@code PARK} means that a waiter is to be parked, {@code retry…} goes on. Two rules save a system call a request and cost the most
 * thought: after a short read the next read parks without asking ({@code PendingInput.knownEmpty}), and an end of stream is believed
 * only where something proves it ({@code StreamEnds.requireEnd}).
 *
 * <p>Uses {@code framing}, {@code net.socket}, {@code net.files}, {@code net.zerocopy}, {@code net.secure} and what is below. Frames, transfer, dialing and
 * listening stand above.
 * Begin with {@code ByteInput.startRead} and follow it down.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.streams;
