/**
 * Addresses of sockets as the kernel, the JDK and people write them.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it does</th></tr>
 *   <tr><td>{@link io.netpark.core.net.address.Addresses}</td><td>asks the kernel for the two addresses of a socket; makes an address of
 *       the JDK's usable</td></tr>
 *   <tr><td>{@link io.netpark.core.net.address.Literal}</td><td>reads an IP address that is written as text, and asks nobody</td></tr>
 *   <tr><td>{@link io.netpark.core.net.address.Wildcard}</td><td>knows the address that means all addresses of this machine, of one
 *       family or of both</td></tr>
 *   <tr><td>{@link io.netpark.core.net.address.Dialable}</td><td>says which addresses can be connected to, and why connect(2) failed</td></tr>
 * </table>
 *
 * <p>How an address lies in memory is {@link io.netpark.core.sys.SockAddr}'s knowledge, and unix addresses are
 * {@link io.netpark.core.sys.UnixAddress}es, both of {@code sys}. Looking names up is the work of {@code net.dialing}.
 *
 * <p>Uses {@code net.scratch} and what is below {@code net}. Inner room: users hold nothing of it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.address;
