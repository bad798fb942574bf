package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class ZeroCopyTest {

    /** More than any kernel buffers. */
    private static final int LARGE = 20_000_000;
    /** Never gives up: on the loopback device everything is copied in the end. */
    private static final ZeroCopy ALWAYS = ZeroCopy.from(4096).withPatience(Integer.MAX_VALUE);

    private final Support.Reports reports = new Support.Reports();
    private final AtomicReference<CallbackConnection> connection = new AtomicReference<>();

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    private CallbackServer server(EventLoopGroup group) throws NetparkException {
        return CallbackServer.builder().group(group).onConnect(connection::set).ignoreInput().listen(Support.loopback());
    }

    private CallbackConnection connected() throws InterruptedException {
        Support.await("connected", () -> connection.get() != null);
        return connection.get();
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void linkedBuffersAreToldFreeWhenThePeerHasThem(Support.Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).reporter(reports).open();
                CallbackServer server = server(group);
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            c.setZeroCopy(ALWAYS);
            CompletableFuture<Void> free = new CompletableFuture<>();
            CompletableFuture<Void> written;
            try (LinkBuffer output = c.newBuffer()) {
                output.link(direct(Support.patternBytes(3, LARGE)), () -> free.complete(null));
                written = c.writeAsync(output);
            }
            Support.await("lent", () -> c.zeroCopyCount().sends() > 0);
            assertFalse(written.isDone());
            assertFalse(free.isDone());
            Support.assertPattern(3, LARGE, socket.getInputStream());
            written.get();
            free.get();
            Support.await("back", () -> c.zeroCopyCount().onLoan() == 0);
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void closingAfterWritesDeliversAndGivesBack(Support.Platform platform) throws Exception {
        try (EventLoopGroup group = platform.group().loops(1).reporter(reports).open();
                CallbackServer server = server(group);
                Socket socket = Support.connect(server)) {
            CallbackConnection c = connected();
            c.setZeroCopy(ALWAYS);
            CompletableFuture<Void> free = new CompletableFuture<>();
            try (LinkBuffer output = c.newBuffer()) {
                output.link(direct(Support.patternBytes(4, 1_000_000)), () -> free.complete(null));
                c.write(output);
                c.closeAfterWrites();
            }
            InputStream in = socket.getInputStream();
            Support.assertPattern(4, 1_000_000, in);
            assertEquals(-1, in.read());
            free.get();
            assertThrows(NetparkException.Closed.class, () -> c.setZeroCopy(ALWAYS));
        }
    }
}
