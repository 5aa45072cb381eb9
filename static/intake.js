// Ways in: browse, drop, paste, camera, scenes. Each ends in a list of files.

const byId = (id) => document.getElementById(id);

/** Listen to all ways in. @param {(files: File[]) => void} take */
export function listen(take) {
  const input = byId("image");
  input.multiple = true;
  input.addEventListener("change", () => {
    const files = [...input.files];
    // Emptied, so that the same file can be chosen again.
    input.value = "";
    if (files.length) take(files);
  });
  drop(take);
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) take(files);
  });
  camera(take);
  for (const button of document.querySelectorAll("[data-scene]")) {
    button.addEventListener("click", async () => {
      const answer = await fetch(button.dataset.scene);
      take([new File([await answer.blob()], button.dataset.scene.split("/").pop(), { type: "image/jpeg" })]);
    });
  }
}

function drop(take) {
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      const leaves = type === "drop" || (type === "dragleave" && !event.relatedTarget);
      document.body.classList.toggle("dragging", !leaves);
      if (type === "drop" && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
    });
  }
}

function camera(take) {
  const dialog = byId("camera");
  const video = byId("video");
  const words = byId("camera-words");
  let stream = null;
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
  };
  byId("use-camera").addEventListener("click", async () => {
    // Browsers give the camera to pages of this machine or of https only; a phone's own camera can be asked anywhere.
    if (!navigator.mediaDevices) return byId("capture").click();
    byId("shoot").disabled = true;
    words.textContent = "Waiting for the camera.";
    dialog.showModal();
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
      if (!dialog.open) return stop();
      video.srcObject = stream;
      await video.play();
      words.textContent = "";
      byId("shoot").disabled = false;
    } catch (error) {
      words.textContent = `The camera cannot be used: ${error.message}. Allow it in the browser's settings, or choose a file.`;
    }
  });
  byId("shoot").addEventListener("click", async () => {
    const still = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    still.getContext("2d").drawImage(video, 0, 0);
    const blob = await still.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    dialog.close();
    take([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
  });
  byId("camera-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", stop);
  byId("capture").addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length) take(files);
  });
}
