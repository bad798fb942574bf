package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingListener;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import io.netpark.core.linux.Linux;
import io.netpark.core.sys.NetparkException;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A listening socket that another holder shuts down. */
@Timeout(60)
class HangUpTest {

    private final LibC real = Binding.defaultLibC();
    private final AtomicInteger listening = new AtomicInteger();

    /** Remembers who listens. */
    private LibC libc() {
        return (LibC) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {LibC.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("listen")) {
                listening.set((int) arguments[0]);
            }
            return method.invoke(real, arguments);
        });
    }

    @Test
    void aServerReportsThatAcceptingHasEndedAndServesOn() throws Exception {
        Support.Reports reports = new Support.Reports();
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).libc(libc()).daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE).open();
                CallbackServer server = Support.server().group(group)
                        .onRequest((connection, in) -> connection.write(in)).listen(Support.loopback());
                Socket client = Support.connect(server)) {
            Support.send(client, "before");
            assertEquals("before", Support.receive(client, 6));
            assertEquals(0, real.shutdown(listening.get(), Linux.SHUT_RDWR));
            Support.await("a report", () -> !reports.causes.isEmpty());
            assertTrue(reports.causes.peek().getMessage().contains("does not listen any more"), () -> "" + reports.causes);
            Support.send(client, "after");
            assertEquals("after", Support.receive(client, 5));
            assertEquals(1, reports.causes.size());
        }
    }

    @Test
    void aThreadThatAcceptsIsTold() throws Exception {
        try (EventLoopGroup group = EventLoopGroup.builder().loops(1).libc(libc()).daemon(true).open();
                BlockingListener listener = BlockingListener.listen(group, Support.loopback(), NetOptions.DEFAULT)) {
            assertEquals(0, real.shutdown(listening.get(), Linux.SHUT_RDWR));
            NetparkException failure = assertThrows(NetparkException.class, listener::accept);
            assertTrue(failure.getMessage().contains("does not listen any more"), failure.getMessage());
            assertThrows(NetparkException.Closed.class, listener::accept);
        }
    }
}
