package io.netpark.callback;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;

/** A socket that is connected, and changes what is written. What TLS of the JDK is put over, to spoil its records. */
abstract class ForwardedSocket extends Socket {

    private final Socket below;
    /** Nothing goes out any more. */
    boolean endsAfterwards;

    ForwardedSocket(Socket below) {
        this.below = below;
    }

    /** What is written instead. */
    abstract byte[] change(byte[] bytes);

    @Override
    public OutputStream getOutputStream() {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                byte[] part = new byte[length];
                System.arraycopy(bytes, offset, part, 0, length);
                below.getOutputStream().write(change(part));
                if (endsAfterwards) {
                    below.close();
                    throw new IOException("cut");
                }
            }
        };
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return below.getInputStream();
    }

    @Override
    public boolean isConnected() {
        return true;
    }

    @Override
    public int getPort() {
        return below.getPort();
    }

    @Override
    public InetAddress getInetAddress() {
        return below.getInetAddress();
    }

    @Override
    public void close() throws IOException {
        below.close();
    }
}
