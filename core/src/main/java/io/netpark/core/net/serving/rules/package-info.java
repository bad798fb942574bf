/**
 * The rules that servers of all three APIs follow. The APIs differ in how they wait, and in nothing that is here.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>What</th><th>Where</th></tr>
 *   <tr><td>What an error of accepting means: try again, after which pause, end; what is reported</td>
 *       <td>{@code AcceptPolicy}</td></tr>
 *   <tr><td>Whether a failure was the peer's doing, and whether the program or the reporter is told</td>
 *       <td>{@code FailureKind}, {@code FailureReports}</td></tr>
 *   <tr><td>Which phases a shutdown has, in which order, and how long each may take</td>
 *       <td>{@code Ending}, which acts on a {@code Server}</td></tr>
 *   <tr><td>What became of the connections of handlers</td><td>{@code Tally}</td></tr>
 *   <tr><td>How threads wait for the phases</td><td>{@code BlockingEnding}, {@code Changes}</td></tr>
 * </table>
 *
 * <p>For Netpark's own adapters: nothing in core uses it. It uses the rooms {@code listening} and {@code socket} of {@code net}, and
 * those below {@code net}. It knows nothing of connections but that they are sockets.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.serving.rules;
