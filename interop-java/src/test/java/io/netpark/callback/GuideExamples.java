package io.netpark.callback;

import io.netpark.blocking.BlockingListener;
import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.framing.Framing;
import io.netpark.core.loop.Balancing;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.listening.Admission;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

final class GuideExamples {

    private GuideExamples() {}

    /** Messages of a length and a payload, each with its length. One that is longer closes its connection. */
    static final Framing FRAMES = Framing.lengthField(4, 1_000_000).headerKept();

    /** Answers each message with the same. */
    static void frame(CallbackConnection connection, ByteBuffer message) throws IOException {
        connection.write(message);
    }

    /** As a download: a head, then the file, then the end. */
    static void download(CallbackConnection connection, Path path) throws IOException {
        FileTransfer file = FileTransfer.open(path);
        connection.writeAsync(ByteBuffer.allocate(8).putLong(file.count()).flip());
        connection.sendFileAsync(file, sent -> System.out.println(sent + " of " + file.count() + " bytes"))
                .thenRun(connection::shutdownOutput);
    }

    /** Limits and timeouts; each closes the connection with an exception that says which it was. */
    static CallbackServer careful() throws IOException {
        return CallbackServer.builder()
                .onMessage(FRAMES, GuideExamples::frame)
                .inputLimit(1_100_000)
                .outputLimit(8_000_000)
                .readTimeout(Duration.ofMinutes(1))
                .writeTimeout(Duration.ofSeconds(30))
                .idleTimeout(Duration.ofMinutes(5))
                .onFailure((connection, failure) -> System.out.println(connection.remoteAddress() + ": " + failure.getMessage()))
                .listen("127.0.0.1", 0);
    }

    /** Sends rows for as long as the peer takes them; called again by onWritable. */
    static void export(CallbackConnection connection, Iterator<String> rows) throws NetparkException.Closed {
        boolean room = true;
        while (room && rows.hasNext()) {
            room = connection.write(ByteBuffer.wrap(rows.next().getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** From any thread: the bytes of one write stay together. */
    static void publish(CallbackConnection connection, String topic, byte[] payload) throws NetparkException {
        try (LinkBuffer message = connection.newBuffer()) {
            message.putString(topic);
            message.putByte('\n');
            message.putInt(payload.length);
            message.put(payload);
            connection.writeAsync(message).exceptionally(failure -> {
                System.out.println("not published: " + failure.getMessage());
                return null;
            });
        }
    }

    /** Answers until the peer ends its stream; the answer to the last request still arrives. */
    static Callbacks polite() {
        return Callbacks.builder()
                .onRequest((connection, in) -> connection.write(in))
                .onHalfClose(connection -> {
                    connection.write(ByteBuffer.wrap("bye\n".getBytes(StandardCharsets.UTF_8)));
                    connection.closeAfterWrites();
                })
                .build();
    }

    /** A thread for each connection: a virtual one, from JDK 21 on. Returns when the listener is closed, or shut down. */
    static void greet(BlockingListener listener) throws IOException {
        listener.serve(connection -> {
            connection.setReadTimeout(Duration.ofMinutes(1));
            while (connection.awaitRequest()) { // false at the end, or when the listener is shut down
                connection.writer().putString("hello " + connection.awaitLine(200) + "\n");
                connection.flush();
            }
        });
    }

    /** Callbacks that block run on workers; a connection is served by one at a time, and the loop serves the others. */
    static CallbackServer reports(Workers workers, Function<String, String> database) throws IOException {
        return CallbackServer.builder()
                .workers(workers) // Workers.pool(16, 1_000), or Workers.virtualThreads()
                .onMessage(Framing.lengthField(4, 10_000), (connection, question) -> {
                    String answer = database.apply(StandardCharsets.UTF_8.decode(question).toString());
                    connection.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
                })
                .onDisconnect((connection, cause) -> System.out.println("gone; what a worker does for it is in vain"))
                .listen("127.0.0.1", 0);
    }

    /** One line of the old protocol; what comes behind it is the new one's. */
    static void upgrade(CallbackConnection connection, BufferReader in) throws NetparkException {
        String line = in.takeLine(100);
        if ("frames".equals(line)) {
            connection.onMessage(FRAMES, GuideExamples::frame);
        } else if (line != null) {
            connection.write(ByteBuffer.wrap("unknown\n".getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** At most 10 000 connections, 100 from one address; numbers for whoever asks; a watchdog; and an orderly end. */
    static Shutdown.Report serveUntil(CompletableFuture<Void> end) throws IOException {
        try (CallbackServer server = CallbackServer.builder()
                .loops(group -> group.metrics(true).watchdog(Duration.ofMillis(200)).balancing(Balancing.powerOfTwoChoices()))
                .admission(Admission.of(10_000, Admission.Excess.WAIT, 100))
                .onRequest((connection, in) -> connection.write(in))
                .listen("127.0.0.1", 0)) {
            end.join();
            System.out.println(server.group().snapshot().total());
            return server.shutdown(Shutdown.within(Duration.ofSeconds(20)).flushing(Duration.ofSeconds(2)));
        }
    }

    /** Asks over whichever connection is free; the callback that gets the answer gives it back. */
    static CompletableFuture<String> ask(CallbackPool pool, SocketAddress server, String question) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        Callbacks callbacks = Callbacks.builder()
                .onMessage(Framing.lines(1_000), (connection, line) -> {
                    answer.complete(StandardCharsets.UTF_8.decode(line).toString());
                    connection.attachment(CallbackLease.class).giveBack();
                })
                .onClose((connection, cause) -> answer.completeExceptionally(new IOException("no answer", cause)))
                .build();
        pool.borrow(server, callbacks).whenComplete((lease, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
            } else {
                lease.connection().attach(lease);
                lease.connection().writeAsync(ByteBuffer.wrap((question + "\n").getBytes(StandardCharsets.UTF_8)));
            }
        });
        return answer;
    }

    /** Counts what comes from whom, and tells each. What cannot be sent is dropped: datagrams may get lost anyway. */
    static CallbackMessages counter(EventLoopGroup group, SocketAddress address) throws NetparkException {
        Map<SocketAddress, Integer> counts = new HashMap<>(); // on one loop, so it needs no lock
        return CallbackMessages.bind(group, address, MessageCallbacks.builder()
                .receive(32, 1500)
                .pendingLimit(100)
                .onMessage((socket, message) -> {
                    if (message.isTruncated()) {
                        return; // longer than 1500 bytes
                    }
                    SocketAddress sender = message.sender();
                    String answer = counts.merge(sender, 1, Integer::sum) + " messages, the last of " + message.length();
                    socket.send(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)), sender);
                })
                .onError((socket, error) -> System.out.println(error.getMessage()))
                .build());
    }

    /** Refuses a message that is too long while it is still being sent: the refusal arrives nevertheless. */
    static void refuse(CallbackConnection connection) throws NetparkException {
        connection.write(ByteBuffer.wrap("too long\n".getBytes(StandardCharsets.UTF_8)));
        connection.closeLingering(Duration.ofSeconds(5));
    }

    /** Passes a client on to a server. */
    static void passThrough(CallbackConnection client, CallbackClient dialer, SocketAddress server) {
        client.pauseReading(); // what it says meanwhile is for the server
        dialer.dial(server, Callbacks.builder().build())
                .thenCompose(client::relay)
                .exceptionally(failure -> {
                    client.close(); // there is no server; a relay that fails has reset both
                    return null;
                });
    }
}
