package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.core.loop.EventLoopGroup;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An interrupt flag that a callback leaves on its loop's thread is not there in the next one. */
@Timeout(60)
class InterruptFlagTest {

    private final ConcurrentLinkedQueue<String> flagged = new ConcurrentLinkedQueue<>();

    private void leaveFlag(String where) {
        if (Thread.currentThread().isInterrupted()) {
            flagged.add(where);
        }
        Thread.currentThread().interrupt();
    }

    @ParameterizedTest
    @ValueSource(strings = {"request", "input", "caller"})
    void ofConnections(String how) throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        CallbackServer.Builder builder = CallbackServer.builder().loops(1)
                .onPrepare(connection -> {
                    leaveFlag("prepare");
                    connection.onClose((c, cause) -> leaveFlag("first added"));
                    connection.onClose((c, cause) -> leaveFlag("second added"));
                    return true;
                })
                .onConnect(connection -> {
                    leaveFlag("connect");
                    connection.writeAsync(Support.bytes("x")).thenRun(() -> leaveFlag("written"));
                    connection.writeAsync(Support.bytes("y")).thenRun(() -> leaveFlag("written too"));
                })
                .onHalfClose(connection -> {
                    leaveFlag("half-close");
                    connection.closeAfterWrites();
                })
                .onDisconnect((connection, cause) -> leaveFlag("disconnect"))
                .onClose((connection, cause) -> {
                    leaveFlag("close");
                    closed.countDown();
                });
        if (how.equals("input")) {
            builder.onInput((connection, in) -> {
                leaveFlag("input");
                in.skip(1);
                connection.requestAgain();
            });
        } else {
            builder.onRequest((connection, in) -> {
                leaveFlag("request");
                in.get();
                connection.requestAgain();
            });
        }
        if (how.equals("caller")) {
            builder.workers(Workers.on(Runnable::run, connection -> Rejection.CLOSE));
        }
        try (CallbackServer server = builder.listen(Support.loopback()); Socket socket = Support.connect(server)) {
            assertEquals("xy", Support.receive(socket, 2));
            Support.send(socket, "many");
            socket.shutdownOutput();
            assertEquals("", Support.receiveAll(socket));
            closed.await(10, TimeUnit.SECONDS);
        }
        assertEquals(List.of(), List.copyOf(flagged));
    }

    @Test
    void ofMessages() throws Exception {
        CountDownLatch received = new CountDownLatch(20);
        try (EventLoopGroup group = Support.group(1, new Support.Reports());
                CallbackMessages socket = CallbackMessages.bind(group, Support.loopback(), MessageCallbacks.builder()
                        .onOpen(any -> leaveFlag("open"))
                        .onMessage((any, message) -> {
                            leaveFlag("message");
                            received.countDown();
                        }).build());
                CallbackMessages sender = CallbackMessages.dial(group, (InetSocketAddress) socket.localAddress(),
                        MessageCallbacks.builder().build())) {
            group.next().submit(() -> {
                for (int i = 0; i < 20; i++) {
                    sender.send(Support.bytes("m")); // all are there when the loop comes to receive them
                }
                return null;
            }).get();
            received.await(10, TimeUnit.SECONDS);
        }
        assertEquals(List.of(), List.copyOf(flagged));
    }
}
