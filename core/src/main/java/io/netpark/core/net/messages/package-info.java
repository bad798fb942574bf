/**
 * Sockets that keep the boundaries of messages: UDP, datagrams of unix, and sequenced packets of unix.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.MessageInput}</td><td>the incoming half: a message, or a batch of them, at a time</td></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.MessageOutput}</td><td>the outgoing half, and what can be done about a message that is
 *       refused ({@code SendFailure})</td></tr>
 *   <tr><td>{@code SendPause}</td><td>tries again after a while where the kernel does not report that there is room</td></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.MessageDescriptor}</td><td>the whole: binding, connecting, multicast</td></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.MessageListenerDescriptor}</td><td>accepts sockets of sequenced packets</td></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.Envelope}</td><td>what is known of a message besides its bytes</td></tr>
 *   <tr><td>{@link io.netpark.core.net.messages.MessageBatch}</td><td>many messages for one system call, in memory of its own</td></tr>
 * </table>
 *
 * <p>A message is received whole, or cut, which is reported, and it is sent whole or not at all. So there is no progress within an
 * operation, and nothing of the streams' room is of use here but the template of {@link io.netpark.core.fd.Descriptor}.
 *
 * <p>Uses {@code net.listening} for sockets that accept, and {@code net.socket} and what is below. Begin with
 * {@code MessageInput.startReceive}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.messages;
