/**
 * TLS records between a connection and its socket. The protocol itself is that of a {@link javax.net.ssl.SSLEngine}; here is what moves
 * its records, and what an engine does not say: when to read, when to write, what to keep, when it is somebody else's turn.
 *
 * <table>
 *   <caption>What is in it</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.secure.SecureLayer}</td><td>TLS of one connection, and how it ended; {@code Carrier} is what
 *       it needs of the connection</td></tr>
 *   <tr><td>{@link io.netpark.core.net.secure.Handshake}</td><td>the handshake, which goes on by itself on the loop;
 *       {@code DueSteps} sees to it that many at once leave others their turn</td></tr>
 *   <tr><td>{@link io.netpark.core.net.secure.SecureStream}</td><td>the engine: what it wants next ({@code Need}), its tasks, its end
 *       ({@code Farewell})</td></tr>
 *   <tr><td>{@code RecordInput}</td><td>records become plaintext; what the reader has no room for</td></tr>
 *   <tr><td>{@code RecordOutput}</td><td>plaintext becomes records; what the socket has no room for</td></tr>
 *   <tr><td>{@link io.netpark.core.net.secure.Plaintext}</td><td>what the kinds of writes differ in</td></tr>
 *   <tr><td>{@link io.netpark.core.net.secure.Wire}</td><td>what is needed of the socket</td></tr>
 *   <tr><td>{@code RecordScratch}</td><td>memory for the time of one operation; an idle connection has none</td></tr>
 *   <tr><td>{@code Kept}</td><td>bytes that a connection has to keep until its next operation</td></tr>
 * </table>
 *
 * <p>Uses {@code tls}, {@code buffer}, {@code fd}, {@code loop} and what is below. Connections stand above, and wait. Begin with
 * {@code RecordInput.read}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.secure;
