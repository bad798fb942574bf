/**
 * What all sockets have in common, before it is said whether they carry streams or messages, accept or connect.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.SocketDescriptor}</td><td>a descriptor with options and a local address: the superclass of
 *       every socket of the rooms above</td></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.Bound}</td><td>a socket that is bound, and perhaps listens, while nothing watches it yet</td></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.SocketFile}</td><td>the file of a unix socket's path, which is removed with the socket and
 *       with no other</td></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.Adoption}</td><td>sockets that something else has opened: what they are, and what makes
 *       them fit for an event loop</td></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.Detached}</td><td>a connection that was taken out of its loop, with the bytes that were
 *       read and not used</td></tr>
 *   <tr><td>{@link io.netpark.core.net.socket.DescriptorPassing}, {@link io.netpark.core.net.socket.PassedDescriptors}</td>
 *       <td>descriptors that travel with bytes over a unix socket</td></tr>
 * </table>
 *
 * <p>A descriptor number has one owner from the system call that makes it: an {@link io.netpark.core.sys.Unowned}, a {@code Bound}
 * that holds one, and at last a {@code SocketDescriptor}. Each closes the number unless it has passed it on.
 *
 * <p>Uses {@code net.options}, {@code net.address} and what is below. Begin with {@code SocketDescriptor}, then {@code Bound}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.socket;
