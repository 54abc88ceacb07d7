const events = new EventSource("events?recent=50");
events.addEventListener("delivered", (event) => {
  const line = document.createElement("li");
  line.textContent = event.data;
  document.querySelector("#delivered").prepend(line);
});
