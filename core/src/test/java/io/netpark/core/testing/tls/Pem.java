package io.netpark.core.testing.tls;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.util.Collection;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaMiscPEMGenerator;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.openssl.jcajce.JcePEMEncryptorBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.util.io.pem.PemObjectGenerator;

/** Certificates and keys in the forms that OpenSSL writes. */
public final class Pem {

    private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

    private Pem() {}

    /** {@code CERTIFICATE}, one after the other. */
    public static String of(Collection<X509Certificate> certificates) {
        var text = new StringBuilder();
        for (X509Certificate certificate : certificates) {
            text.append(text(certificate));
        }
        return text.toString();
    }

    /** {@code CERTIFICATE}. */
    public static String of(X509Certificate certificate) {
        return of(List.of(certificate));
    }

    /** {@code PRIVATE KEY}: PKCS#8, as {@code openssl genpkey} writes it. */
    public static String of(PrivateKey key) {
        try {
            return text(new JcaPKCS8Generator(key, null));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code ENCRYPTED PRIVATE KEY}: PBES2 with AES-256, as {@code openssl pkcs8 -topk8} of OpenSSL 3 writes it. */
    public static String encrypted(PrivateKey key, String password) {
        try {
            var encryptor = new JceOpenSSLPKCS8EncryptorBuilder(PKCS8Generator.AES_256_CBC)
                    .setProvider(PROVIDER)
                    .setPRF(PKCS8Generator.PRF_HMACSHA256)
                    .setIterationCount(2048)
                    .setPassword(password.toCharArray())
                    .build();
            return text(new JcaPKCS8Generator(key, encryptor));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@code RSA PRIVATE KEY} or {@code EC PRIVATE KEY}: PKCS#1 or SEC 1, as OpenSSL's older commands write them. */
    public static String traditional(PrivateKey key) {
        return text(content(key));
    }

    /** The same, encrypted: {@code Proc-Type: 4,ENCRYPTED}. */
    public static String traditional(PrivateKey key, String password) {
        var encryptor = new JcePEMEncryptorBuilder("AES-256-CBC").setProvider(PROVIDER).build(password.toCharArray());
        try {
            return text(new JcaMiscPEMGenerator(content(key), encryptor));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Without the frame of PKCS#8 the curve has to be named within the key, where the JDK leaves it out. */
    private static PrivateKeyInfo content(PrivateKey key) {
        var framed = PrivateKeyInfo.getInstance(key.getEncoded());
        if (!(key instanceof ECPrivateKey curved)) {
            return framed;
        }
        var algorithm = framed.getPrivateKeyAlgorithm();
        int bits = curved.getParams().getOrder().bitLength();
        try {
            return new PrivateKeyInfo(
                    algorithm, new org.bouncycastle.asn1.sec.ECPrivateKey(bits, curved.getS(), algorithm.getParameters()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code X509 CRL}. */
    public static String of(X509CRL revocations) {
        return text(revocations);
    }

    public static Path write(Path file, String text) {
        try {
            return Files.write(file, text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Object content) {
        var text = new StringWriter();
        try (var writer = new JcaPEMWriter(text)) {
            if (content instanceof PemObjectGenerator generator) {
                writer.writeObject(generator);
            } else {
                writer.writeObject(content);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }
}
