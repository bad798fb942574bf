/**
 * Options of sockets: what they are, how their values lie in memory, and when they are set.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.options.NetOption}</td><td>one option: level, number, and the form of its value</td></tr>
 *   <tr><td>{@link io.netpark.core.net.options.NetOptions}</td><td>what a socket's options are to be before it is used; immutable</td></tr>
 *   <tr><td>{@link io.netpark.core.net.options.TcpInfo}, {@link io.netpark.core.net.options.PeerCredentials}</td><td>options that can
 *       only be read, as records</td></tr>
 *   <tr><td>{@link io.netpark.core.net.options.OptionCalls}</td><td>the system calls, and which options fit which socket</td></tr>
 *   <tr><td>{@link io.netpark.core.net.options.Multicast}</td><td>membership in groups, which is set like an option</td></tr>
 * </table>
 *
 * <p>Options are set before bind(2) or connect(2), since buffer sizes take part in the handshake. What a listener's sockets inherit is
 * the kernel's business where it can be, so that accepting needs no system call for it; {@code OptionCalls.notInherited} says what
 * the kernel leaves out.
 *
 * <p>Uses {@code net.scratch} and what is below {@code net}. Knows no socket: it works on a descriptor number that a caller holds.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.options;
