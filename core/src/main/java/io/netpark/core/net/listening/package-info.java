/**
 * Sockets that accept.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>What</th><th>Where</th></tr>
 *   <tr><td>A socket that listens and accepts sockets of some kind</td><td>{@code ListeningSocket}</td></tr>
 *   <tr><td>The one that accepts stream connections, of TCP or of unix, and places them on event loops</td>
 *       <td>{@code ListenerDescriptor}</td></tr>
 *   <tr><td>How many connections are let in, in all and from one address</td><td>{@code Admission}</td></tr>
 *   <tr><td>When the poller tells of connections that wait, and the pauses while descriptors or places run out</td>
 *       <td>{@code AcceptInterest}</td></tr>
 *   <tr><td>Who was accepted, and cannot be watched yet</td><td>{@code Unwatched}</td></tr>
 *   <tr><td>Options that an accepted socket does not inherit</td><td>{@code AcceptedOptions}</td></tr>
 *   <tr><td>Sockets that the service manager has opened</td><td>{@code ListenFds}</td></tr>
 * </table>
 *
 * <p><b>Accepting.</b> A listening socket is a descriptor: one operation at a time waits in its read slot. An API accepts by
 * {@code startAccept} and {@code retryAccept}, and waits in its own way between them. The rules for accepting again and again, and for
 * the end of a server, are in the room {@code net.serving.rules} above this one.
 *
 * <p><b>The poller.</b> A listening socket is the only descriptor that is level-triggered. So accepting needs no second call to find
 * the queue empty, and a lack of descriptors cannot swallow the one edge there would be. While nobody accepts the poller is told not
 * to watch: it would report the same connection without end.
 *
 * <p><b>Trouble.</b> A connection that broke off in the queue is passed over. A lack of descriptors, memory or registrations with epoll
 * begins a pause that a timer ends; it is reported once an episode. Who has been accepted by then, and cannot be watched, is kept
 * and tried again. Any other error is the caller's.
 *
 * <p><b>Admission.</b> A listener asks its admission before and after it accepts. It hands the admission two functions and no more: one
 * that tells the listener of room, and, for each connection, one that the connection calls when its descriptor is gone. So the
 * admission knows neither listeners nor connections, and several listeners may share it.
 *
 * <p>This room uses the rooms {@code streams}, {@code socket}, {@code address}, {@code options} and {@code scratch} of {@code net}, and
 * those below {@code net}. The room of message sockets uses it, for a listener of its own.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.listening;
