/**
 * Memory that the kernel has on loan: large chains of segments that are sent without a copy (MSG_ZEROCOPY).
 *
 * <pre>
 *   send of a chain --the kernel takes it--> on loan --a notice on the error queue--> given back to the pool
 *                                                    --the connection is closed--> Lingering waits for the notices
 *                                                    --the loop ends--> kept for good: nobody would be told
 * </pre>
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.zerocopy.ZeroCopy}</td><td>whether a connection does it: from how many bytes, and how patiently</td></tr>
 *   <tr><td>{@link io.netpark.core.net.zerocopy.Loans}</td><td>the segments on loan of one socket, in a ring, by the numbers that the
 *       kernel gives sends</td></tr>
 *   <tr><td>{@link io.netpark.core.net.zerocopy.Lingering}</td><td>the descriptor of a connection that was closed with bytes on loan</td></tr>
 * </table>
 *
 * <p>Uses {@code net.options}, {@code net.scratch} and what is below {@code net}; the room of files is a neighbour, and neither knows
 * the other. Begin with {@code ZeroCopy}, which says when it pays.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.zerocopy;
