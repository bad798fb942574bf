package io.netpark.bench.server;

import io.netpark.bench.server.Service.Reply;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.ServerTls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.Executor;

/** Netpark's callback API: one event loop, a request callback. */
public class NetparkCallbackServer implements BenchServer {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final EventLoopGroup group;

    NetparkCallbackServer() throws NetparkException {
        this(EventLoopGroup.builder().loops(BenchServer.loops()).open());
    }

    /** One whose event loop is that of a group, or the first of it. */
    public NetparkCallbackServer(EventLoopGroup group) {
        this.group = group;
    }

    @Override
    public final int start(Service service) throws IOException {
        CallbackServer.Builder builder = CallbackServer.builder().group(group);
        ServerTls tls = Security.forNetpark();
        if (tls != null) {
            builder.tls(tls);
        }
        switch (service.mode()) {
            case ECHO -> builder.onRequest((connection, request) -> connection.write(request));
            case FRAMES -> {
                LinkBuffer answers = new LinkBuffer(SegmentPool.shared()); // one loop, and empty between callbacks
                builder.onInput((connection, in) -> frames(connection, in, answers));
            }
            case FILE -> {
                OpenFile file = service.openFile(OpenFile::open);
                builder.onInput((connection, in) -> files(connection, in, () -> FileTransfer.of(file)));
            }
            case FILE_COPY -> {
                FileChannel file = service.openFile(FileChannel::open);
                builder.onInput((connection, in) -> files(connection, in, () -> FileTransfer.of(file, 0, FileTransfer.REST)));
            }
            case SOURCE, STAMP, FILE_HEAP -> builder
                    .onConnect(connection -> connection.attach(service.reply()))
                    .onRequest(NetparkCallbackServer::answer)
                    .onWritable(connection -> answer(connection, NOTHING));
            case HTTP -> throw new IllegalArgumentException("there is no HTTP server of callbacks");
        }
        return builder.listen("127.0.0.1", 0).port();
    }

    private static void frames(CallbackConnection connection, BufferReader in, LinkBuffer answers) throws NetparkException {
        while (in.available() >= Integer.BYTES) {
            int length = in.getInt(0);
            if (in.missing(Integer.BYTES + length) > 0) {
                break;
            }
            in.skip(Integer.BYTES);
            answers.putInt(length);
            answers.put(in.next(length));
        }
        connection.write(answers);
    }

    private interface Transfers {
        FileTransfer next() throws IOException;
    }

    private static void files(CallbackConnection connection, BufferReader in, Transfers transfers) throws IOException {
        while (in.available() >= Long.BYTES) {
            for (long left = in.takeLong(); left > 0; left--) {
                connection.sendFile(transfers.next());
            }
        }
    }

    /** Writes until the output is full; {@code onWritable} goes on then. */
    private static void answer(CallbackConnection connection, ByteBuffer request) throws NetparkException {
        Reply reply = connection.attachment(Reply.class);
        boolean room = true;
        while (room && reply != null) {
            ByteBuffer next = reply.next(request);
            if (next == null) {
                return;
            }
            room = connection.write(next);
        }
    }

    @Override
    public final Executor loop() {
        return group.loops().get(0);
    }

    @Override
    public final EventLoopGroup group() {
        return group;
    }
}
