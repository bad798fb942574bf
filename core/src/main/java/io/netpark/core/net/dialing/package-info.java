/**
 * Dialing: from a name or an address to a connection.
 *
 * <pre>
 *   Dialer.dial --> Dial --host--> LookUp --asks--> Resolver
 *                     |              `--addresses, ordered by AddressOrder--> Dial
 *                     |--one or several at a time--> Attempt --Connecting.begin, startConnect--> connected, or failed
 *                     `--> Outcome: the first connection that is established, or the Causes of all
 * </pre>
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.dialing.Dialer}</td><td>what a dial is told: options, times, local address; immutable</td></tr>
 *   <tr><td>{@link io.netpark.core.net.dialing.Dial}</td><td>a dial in progress: a state machine on one loop, with one timer for all of
 *       it</td></tr>
 *   <tr><td>{@code LookUp}</td><td>finds the addresses of the host</td></tr>
 *   <tr><td>{@code Attempt}</td><td>one address, until it is connected or has failed</td></tr>
 *   <tr><td>{@code Causes}</td><td>what the failures of all attempts come to</td></tr>
 *   <tr><td>{@link io.netpark.core.net.dialing.Resolver}, {@code SystemResolver}</td><td>what looks names up, and the one that asks the
 *       system: a thread for each name, one look-up a name at a time</td></tr>
 *   <tr><td>{@link io.netpark.core.net.dialing.Connecting}</td><td>socket(2), bind(2), connect(2): the first half of an attempt</td></tr>
 * </table>
 *
 * <p>A dial lives on the loop where its connection will live. Being on one thread it has one race, {@code cancel}, which is a
 * compare-and-set.
 *
 * <p>Uses {@code net.streams} and what is below. Begin with the drawing at {@code Dial}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.dialing;
