package io.netpark.callback;

import static io.netpark.callback.Support.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.netpark.callback.messages.CallbackMessages;
import io.netpark.callback.messages.MessageCallbacks;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.socket.Detached;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop that has been chosen may retire before there is anything on it: another one gets that. */
@Timeout(60)
class RetiredLoopTest {

    private final AtomicReference<EventLoop> late = new AtomicReference<>();

    /** Of one loop. Its balancing chooses, as if it had been told too late, the one that is in {@link #late}. */
    private EventLoopGroup shrunk() throws Exception {
        EventLoopGroup group = EventLoopGroup.builder().loops(2).daemon(true).balancing((loops, source) -> {
            EventLoop retired = late.getAndSet(null);
            return retired != null ? retired : loops.get(0);
        }).open();
        EventLoop second = group.loops().get(1);
        group.resize(1);
        await("it has ended", second::isTerminated);
        late.set(second);
        return group;
    }

    @Test
    void whatIsAdopted() throws Exception {
        CompletableFuture<Detached> detached = new CompletableFuture<>();
        try (EventLoopGroup group = shrunk();
                EventLoopGroup elsewhere = Support.group(1, new Support.Reports());
                CallbackServer server = CallbackServer.builder().group(elsewhere)
                        .onRequest((connection, in) -> detached.complete(connection.detach())).listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().group(group).open();
                Socket socket = Support.connect(server)) {
            Support.send(socket, "hello");
            Detached taken = detached.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            CallbackConnection adopted = client.adopt(taken,
                    Callbacks.builder().onRequest((connection, in) -> connection.write(in)).build());
            assertNull(late.get());
            assertEquals(group.first(), adopted.loop());
            assertEquals("hello", Support.receive(socket, 5));
        }
    }

    @Test
    void whatIsBound() throws Exception {
        OpenDescriptors before = OpenDescriptors.now();
        try (EventLoopGroup group = shrunk();
                CallbackMessages bound = CallbackMessages.bind(group, Support.loopback(), MessageCallbacks.builder().build())) {
            assertNull(late.get());
            assertEquals(List.of(bound.loop()), group.loops());
        }
        before.awaitOpened(0);
    }
}
