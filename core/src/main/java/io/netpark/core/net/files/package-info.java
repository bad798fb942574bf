/**
 * Files on their way into a connection.
 *
 * <table>
 *   <caption>What is here</caption>
 *   <tr><th>class</th><th>what it is</th></tr>
 *   <tr><td>{@link io.netpark.core.net.files.OpenFile}</td><td>a file that is open to be sent, by any number of transfers at once</td></tr>
 *   <tr><td>{@link io.netpark.core.net.files.FileTransfer}</td><td>a part of a file, and how far it has got</td></tr>
 *   <tr><td>{@code KernelTransfer}</td><td>the transfer of an {@code OpenFile}: sendfile(2), or a copy where the kernel does not do it</td></tr>
 *   <tr><td>{@code CopyingTransfer}</td><td>the transfer of a file channel, whose descriptor the JDK keeps to itself</td></tr>
 *   <tr><td>{@link io.netpark.core.net.files.FileCalls}</td><td>what a stream does with a transfer</td></tr>
 * </table>
 *
 * <p>A transfer is a write of a stream like any other: it parks when the socket is full, and goes on from where it was. How much is
 * sent is settled when the transfer is made, so a file that is cut off meanwhile is a failure and not a short answer.
 *
 * <p>Uses {@code net.scratch} and what is below {@code net}. Knows no stream: it is given a socket's number. Begin with
 * {@code FileTransfer}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.files;
