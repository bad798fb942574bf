/**
 * How connections are encrypted. A {@link io.netpark.core.tls.ServerTls} or a {@link io.netpark.core.tls.ClientTls} is made
 * once from certificates, keys and choices, and is then shared by any number of connections. The protocol itself is not here:
 * it is that of an engine of {@code javax.net.ssl}, the JDK's or any other.
 *
 * <table>
 * <caption>What is where</caption>
 * <tr><td>ServerTls, ClientTls</td><td>what users make: their common part is Tls, with its Builder</td></tr>
 * <tr><td>Engines, TlsSession, Diagnosis</td><td>what connections need: an engine, what its handshake has agreed on, what its failure means</td></tr>
 * <tr><td>Origin</td><td>where engines come from: OwnContext makes an {@code SSLContext} of certificates and keys; others are given</td></tr>
 * <tr><td>IdentitySource, TrustSource</td><td>where certificates come from: {@code core.pem}, StoreFile, or the program</td></tr>
 * <tr><td>Identity, KeyChoice</td><td>a certificate with its key, and which of them a handshake gets; HostName compares names</td></tr>
 * <tr><td>TrustCheck</td><td>whether a peer's certificate is trusted</td></tr>
 * <tr><td>Negotiation</td><td>what is known of one handshake while it goes on</td></tr>
 * <tr><td>Ciphers</td><td>which versions and cipher suites are enabled</td></tr>
 * <tr><td>CertificateWatch</td><td>reloads files that have changed, which FileStates tells</td></tr>
 * <tr><td>TaskThreads</td><td>where engines' long tasks run</td></tr>
 * </table>
 *
 * <p>A configuration never waits and never runs on an event loop, but for what an engine asks of KeyChoice and TrustCheck in a
 * handshake.
 */
@NullMarked
package io.netpark.core.tls;

import org.jspecify.annotations.NullMarked;
